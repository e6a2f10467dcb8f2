//! `leanrepl repl`: joins the shell to who types.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use crate::cli::RunCommand;
use crate::cli::repl::ReplArgs;
use crate::commands::RunContext;
use crate::commands::exit_code::DONE;
use crate::commands::lean;
use crate::commands::options::ProjectOptions;
use crate::commands::session::Plan;
use crate::data_dir::DataDir;
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::limits::CancelFlag;
use crate::session::base::BaseEnv;
use crate::session::factory::SessionFactory;
use crate::settings;
use crate::shell::{Flow, Shell};
use crate::ui::Ui;
use crate::ui::line::Line;
use crate::ui::prompt::Prompt;

impl RunCommand<RunContext> for ReplArgs {
    /// Reads what is typed and has the shell do it, until one of them has had enough.
    ///
    /// # Errors
    /// What keeps the shell from starting, and a terminal that fails.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let RunContext { ui, interrupt, .. } = context;
        let near = self.file.as_deref().unwrap_or(Path::new("."));
        let toolchain = settings::choose_toolchain(&self.lean, near)?;
        ui.tell(Event::Chosen {
            text: &toolchain.why,
        });
        let lean = lean::prepare(&toolchain, ui, interrupt)?;
        let plan = Plan {
            toolchain: &toolchain,
            sandbox: self.sandbox,
            limits: settings::session_limits(&self.limits),
            import_timeout: self.limits.session.import_timeout,
            base: BaseEnv::Import,
            isolation: None,
        };
        let factory = SessionFactory {
            spec: Arc::new(plan.spec(lean, ui.as_ref())?),
            cancel: interrupt.clone(),
            observer: Arc::<Ui>::clone(ui),
        };
        let mut options = ProjectOptions::read(&toolchain, ui.as_ref(), interrupt)?;
        let options = match &self.file {
            Some(file) => options.of(file, ui.as_ref()),
            None => options.of_no_file("what is typed", ui.as_ref()),
        };
        let options = options.map(Arc::unwrap_or_clone).unwrap_or_default();
        let mut shell = Shell::new(factory, self.limits.timeout, options, toolchain.why);
        let version = shell.start()?;
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let mut prompt = if is_terminal {
            ui.greeting(&version);
            // Without a cache folder nothing is remembered, which is no failure.
            let cache = DataDir::locate().ok();
            Prompt::terminal(cache.map(|cache| cache.root().join("shell/history")), ui)?
        } else {
            Prompt::script(interrupt)
        };
        if !self.imports.is_empty() {
            turn(
                &mut shell,
                &format!(":import {}", self.imports.join(" ")),
                ui,
            )?;
        }
        if let Some(file) = &self.file {
            turn(&mut shell, &format!(":load {}", file.display()), ui)?;
        }
        let interrupted = talk(&mut shell, &mut prompt, ui, interrupt)?;
        Ok(match interrupted {
            true => Kind::Interrupted.exit_code(),
            false if is_terminal || ui.stdout_closed() => DONE,
            false => shell.exit_code(),
        })
    }
}

/// Has the shell do what is typed, until there is no more; says whether the user has cut it short.
fn talk(
    shell: &mut Shell,
    prompt: &mut Prompt,
    ui: &Ui,
    interrupt: &CancelFlag,
) -> Result<bool, Failure> {
    loop {
        let flow = match prompt.next(shell.expects())? {
            Line::Typed(text) => {
                if matches!(prompt, Prompt::Terminal(_)) {
                    // A Ctrl-C that came too late for the last source does not mean this one.
                    interrupt.clear();
                }
                ui.busy();
                let flow = turn(shell, &text, ui);
                ui.quiet_down();
                flow?
            }
            Line::Cleared => Flow::Goes,
            Line::End => Flow::Ends,
            Line::Interrupted => return Ok(true),
        };
        if flow == Flow::Ends || ui.stdout_closed() {
            return Ok(false);
        }
    }
}

/// Has the shell do one thing, and shows what it says.
fn turn(shell: &mut Shell, typed: &str, ui: &Ui) -> Result<Flow, Failure> {
    let mut shown = Ok(());
    let flow = shell.take(typed, &mut |said| {
        let written = ui.said(&said);
        if let (Ok(()), Err(failure)) = (&shown, written) {
            shown = Err(failure);
        }
    });
    shown.map(|()| flow)
}
