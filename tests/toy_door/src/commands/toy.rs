//! `leanrepl toy`: joins stdin, the pool and the user.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::RunCommand;
use crate::cli::toy::ToyArgs;
use crate::commands::RunContext;
use crate::commands::exit_code::DONE;
use crate::commands::lean;
use crate::commands::session::Plan;
use crate::engine::pool::{Pool, PoolSettings};
use crate::failure::Failure;
use crate::limits::Wait;
use crate::session::base::BaseEnv;
use crate::settings;
use crate::toy;
use crate::ui::Ui;

impl RunCommand<RunContext> for ToyArgs {
    /// Serves until there is no more input.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let RunContext { ui, interrupt, .. } = context;
        let options = settings::toy::options(&self);
        let toolchain = settings::choose_toolchain(&self.lean, Path::new("."))?;
        let lean = lean::prepare(&toolchain, ui, interrupt)?;
        let plan = Plan {
            toolchain: &toolchain,
            sandbox: self.sandbox,
            limits: settings::session_limits(&self.limits),
            import_timeout: self.limits.session.import_timeout,
            base: BaseEnv::Import,
            isolation: None,
        };
        let settings = PoolSettings::new(plan.spec(lean, ui.as_ref())?);
        let pool = Pool::start(settings, Arc::<Ui>::clone(ui));
        let served = toy::serve(
            pool.as_ref(),
            options,
            io::stdin().lock(),
            interrupt,
            |verdict| ui.data_line(verdict).map(|_written| ()),
        );
        pool.drain(Wait::from(Duration::ZERO));
        served.map(|()| DONE)
    }
}
