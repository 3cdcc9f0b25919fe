//! The Server Admin Log from the command line: what scripts say, and the tokens by which they do.

use super::{Failure, operator, say};
use crate::app::log_remotely;
use crate::log::Book;
use clap::{Args, Subcommand};
use osm_backends::secret::Secret;
use osm_core::ids::ProjectName;
use osm_core::log::token::{Sent, is_name};
use std::path::PathBuf;
use ulid::Ulid;
use url::Url;

#[derive(Args)]
pub(super) struct LogArgs {
    /// Where the sidecar is reached.
    #[arg(long, env = "OSM_LOG_URL", default_value = "http://127.0.0.1:8090/")]
    url: Url,
    /// A file that holds the token; without it OSM_LOG_TOKEN is the token.
    #[arg(long, env = "OSM_LOG_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The same for the same message: given twice, it is logged once.
    #[arg(long)]
    key: Option<String>,
    /// The project, or project.tool.
    project: String,
    /// What is to be logged.
    #[arg(required = true)]
    message: Vec<String>,
}

#[derive(Subcommand)]
pub(super) enum LogTokenCommand {
    /// Make a token by which scripts log to a project and its tools, and show it: this once.
    Make {
        /// The project.
        project: String,
        /// Under which its entries stand: what the script is, such as "backup".
        name: String,
    },
    /// List the tokens.
    List {
        /// Of this project only.
        project: Option<String>,
    },
    /// Make a token good for nothing.
    Revoke {
        /// The project.
        project: String,
        /// The token's name.
        name: String,
    },
}

/// Logs by a token; needs no configuration.
pub(super) async fn send(args: &LogArgs) -> Result<(), Failure> {
    let token = match (&args.token_file, std::env::var("OSM_LOG_TOKEN")) {
        (Some(path), _) => std::fs::read_to_string(path)
            .map_err(|error| Failure::System(format!("cannot read {}", path.display()), error))?,
        (None, Ok(token)) => token,
        (None, Err(_)) => {
            let why = "no token: set OSM_LOG_TOKEN, or OSM_LOG_TOKEN_FILE to a file that holds it";
            return Err(Failure::Refused(why.to_owned()));
        }
    };
    let sent = Sent {
        project: args.project.clone(),
        message: args.message.join(" "),
        key: Some(
            args.key
                .clone()
                .unwrap_or_else(|| Ulid::generate().to_string()),
        ),
    };
    let logged = log_remotely(&args.url, &Secret::new(token), &sent).await?;
    say(format_args!(
        "logged as #{} of {}",
        logged.entry, logged.log
    ));
    Ok(())
}

/// An operator's care of tokens.
pub(super) async fn tokens(book: &Book, command: &LogTokenCommand) -> Result<(), Failure> {
    match command {
        LogTokenCommand::Make { project, name } => {
            if !is_name(name) {
                return Err(Failure::Refused(format!(
                    "{name:?} cannot be a token's name: at most 40 letters, digits and - . _, a letter or digit first"
                )));
            }
            let unknown = || Failure::Refused(format!("LDAP has no project {project}"));
            let wanted = ProjectName::parse(project).map_err(|_| unknown())?;
            let found = book.directory.project(&wanted).await?;
            found.filter(|it| it.name == wanted).ok_or_else(unknown)?;
            let token = book.make_token(&wanted, name, &operator()).await?;
            let token = token.ok_or_else(|| {
                Failure::Refused(format!(
                    "{wanted} has a token {name}; `openstackmanager log-token revoke {wanted} {name}` takes it away"
                ))
            })?;
            eprintln!("The token {name} of {wanted}; it is not shown again:");
            say(token);
        }
        LogTokenCommand::List { project } => {
            let project = project.as_deref().map(ProjectName::trusted);
            for token in book.tokens.tokens(project.as_ref()).await? {
                let used = token.used_at.map_or("never".to_owned(), |at| {
                    at.format("%Y-%m-%d %H:%M").to_string()
                });
                say(format_args!(
                    "{}\t{}\tmade {} by {}\tused {used}",
                    token.project,
                    token.name,
                    token.made_at.format("%Y-%m-%d"),
                    token.made_by,
                ));
            }
        }
        LogTokenCommand::Revoke { project, name } => {
            let wanted = ProjectName::trusted(project);
            if !book.tokens.revoke_token(&wanted, name).await? {
                return Err(Failure::Refused(format!(
                    "{project} has no token {name}; `openstackmanager log-token list` lists them"
                )));
            }
            say(format_args!("the token {name} of {project} is revoked"));
        }
    }
    Ok(())
}
