//! A build by Docker's daemon: the context goes to it as a stream, and its steps are told as they come.
//! Never names the image: that is done once it was tried.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::thread;

use bollard::errors::Error;
use bollard::models::BuildInfo;
use bollard::query_parameters::BuildImageOptions;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;

use crate::deploy::docker::context::Context;
use crate::deploy::docker::credentials;
use crate::deploy::docker::daemon::{Daemon, worded};
use crate::deploy::docker::finish::finish;
use crate::deploy::docker::steps::{Step, Steps};
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::work::WorkContext;

/// How much of the context is sent at a time, in bytes.
const PIECE: usize = 256 * 1024;

/// How many pieces may wait for Docker to take them.
const PIECES: usize = 8;

/// What a user may say about a build.
#[derive(Debug, Clone, Default)]
pub(crate) struct BuildOptions {
    /// Values for `ARG` lines, and for proxies.
    pub(crate) build_args: BTreeMap<String, String>,
    /// Whether steps that were done before are done again.
    pub(crate) no_cache: bool,
    /// The platform, as `OS/ARCHITECTURE`.
    pub(crate) platform: Option<String>,
    /// The network of the steps; Docker's default if absent.
    pub(crate) network: Option<String>,
}

/// An image that was built and has no name yet.
#[derive(Debug)]
pub(crate) struct Built {
    /// Its identity, `sha256:…`.
    pub(crate) id: String,
    pub(crate) steps: Vec<Step>,
}

/// What a user can do when a step fails, by a text in the step's line.
pub(crate) type Hints = Vec<(&'static str, String)>;

impl Daemon {
    /// Builds the image that the `Dockerfile` of the context describes.
    ///
    /// # Errors
    /// A step that fails, a daemon that goes away, a full disk, the deadline, an interrupt. Docker
    /// removes the containers of the steps in each case.
    pub(crate) fn build(
        &self,
        context: Context,
        options: &BuildOptions,
        hints: &Hints,
        work: WorkContext<'_>,
    ) -> Result<Built, Failure> {
        let total = context.size()?;
        let label = "sending the build context to Docker";
        work.observer.tell(Event::StepStarted {
            label,
            total_bytes: Some(total.get()),
        });
        let body = bollard::body_try_stream(pieces(context, Arc::clone(work.observer)));
        let observer = work.observer.as_ref();
        finish(work, "building the image", async {
            let credentials = credentials::all(work)?;
            let answers = self
                .docker
                .build_image(request(options)?, Some(credentials), Some(body));
            let mut steps = Steps::new(observer);
            match follow(answers, &mut steps, observer).await {
                Ok(Some(id)) => Ok(Built {
                    id,
                    steps: steps.finish(),
                }),
                Ok(None) => Err(self
                    .diagnosed(failed(steps, "it ended without an image", hints))
                    .await),
                Err(text) => Err(self.diagnosed(failed(steps, &text, hints)).await),
            }
        })
    }
}

/// The parameters of a build.
fn request(options: &BuildOptions) -> Result<BuildImageOptions, Failure> {
    let buildargs: HashMap<String, String> = options.build_args.clone().into_iter().collect();
    serde_json::to_string(&buildargs)
        .map_err(|err| Failure::bug("cannot write the build arguments").caused_by(err))?;
    Ok(BuildImageOptions {
        dockerfile: "Dockerfile".to_owned(),
        nocache: options.no_cache,
        // Containers of failed steps go too.
        rm: true,
        forcerm: true,
        platform: options.platform.clone().unwrap_or_default(),
        networkmode: options.network.clone(),
        buildargs: Some(buildargs),
        ..BuildImageOptions::default()
    })
}

/// Follows a build to its end: the image, if there is one, or the error as Docker words it.
async fn follow(
    answers: impl Stream<Item = Result<BuildInfo, Error>>,
    steps: &mut Steps<'_>,
    observer: &dyn Observer,
) -> Result<Option<String>, String> {
    let mut answers = std::pin::pin!(answers);
    let mut id = None;
    let mut is_sent = false;
    while let Some(answer) = answers.next().await {
        if !is_sent {
            observer.tell(Event::StepFinished);
            is_sent = true;
        }
        let answer = answer.map_err(|err| worded(&err))?;
        if let Some(detail) = answer.error_detail {
            return Err(detail.message.unwrap_or_default());
        }
        steps.read(&answer.stream.unwrap_or_default());
        if let Some(aux) = answer.aux {
            id = aux.id.or(id);
        }
    }
    Ok(id)
}

/// What a user is told about a step that failed.
fn failed(steps: Steps<'_>, text: &str, hints: &Hints) -> Failure {
    let (step, tail) = steps.fail();
    let (problem, hint) = match step {
        Some((number, instruction)) => {
            let known = hints.iter().find(|(part, _)| instruction.contains(part));
            let hint = known.map_or_else(
                || "run the same command with `-v` to see all output of the step".to_owned(),
                |(_, hint)| hint.clone(),
            );
            (
                format!("step {number} of the image failed: `{instruction}`"),
                hint,
            )
        }
        None => (
            "Docker did not begin to build the image".to_owned(),
            "look at what Docker says, and leave out `--platform` and `--build-arg` for a try"
                .to_owned(),
        ),
    };
    let mut cause = text.trim_end().to_owned();
    if !tail.is_empty() {
        cause.push_str("\nit wrote last:\n  ");
        cause.push_str(&tail.join("\n  "));
    }
    Failure::new(Kind::Build, problem, hint).caused_by(cause)
}

/// The context in pieces, for the body of a request. A thread of its own writes it, never more than a few pieces
/// ahead; it ends when the request does.
fn pieces(
    context: Context,
    observer: Arc<dyn Observer>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (sender, mut receiver) = mpsc::channel::<Result<Bytes, io::Error>>(PIECES);
    thread::spawn(move || {
        let pieces = Pieces(sender.clone());
        let mut buffered = BufWriter::with_capacity(PIECE, pieces);
        let written = context
            .write(&mut buffered, |done_bytes| {
                observer.tell(Event::StepAdvanced { done_bytes });
            })
            .and_then(|()| buffered.flush());
        if let Err(err) = written {
            // The request ends with it; without a request nobody needs to know.
            let _gone = sender.blocking_send(Err(err));
        }
    });
    stream::poll_fn(move |around| receiver.poll_recv(around))
}

/// Writes into the body of a request.
struct Pieces(mpsc::Sender<Result<Bytes, io::Error>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len())
            .map_err(|_gone| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
