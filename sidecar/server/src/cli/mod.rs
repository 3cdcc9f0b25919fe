//! The command line. Exit status: 0 done, 1 not done (standard error says why), 2 not understood.

mod act;
mod audit;
mod drift;
mod english;
mod links;
mod log;
mod operations;
mod restored;

use crate::actions::catalogue;
use crate::app::App;
use crate::config::{Config, ConfigError, LogFormat, Secrets};
use crate::{doctor, telemetry};
use audit::AuditCommand;
use clap::{Args, Parser, Subcommand};
use osm_core::ports::PortError;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Projects and virtual machines of an OpenStack cloud, run from a wiki.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        env = "OSM_CONFIG",
        default_value = "/etc/openstackmanager/config.toml"
    )]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the wiki's extension, carry operations out, keep the wiki's pages.
    Serve,
    /// Make or update the tables in the database.
    Migrate,
    /// Check each neighbour and say what to mend.
    Doctor,
    /// Care for the wiki's own pages.
    #[command(subcommand)]
    Wiki(WikiCommand),
    /// Link a wiki user to the LDAP entry of the same person.
    Link(LinkArgs),
    /// List the links between wiki users and LDAP entries.
    Links,
    /// Print the contract with the wiki's extension (php-shim/contract.json).
    Contract,
    /// Look at recorded operations.
    #[command(subcommand)]
    Operations(OperationsCommand),
    /// After an older database was restored: show what it does not account for.
    Restored {
        #[command(subcommand)]
        command: Option<RestoredCommand>,
    },
    /// Write into a project's Server Admin Log, from any machine: a token is all that is needed.
    Log(log::LogArgs),
    /// Care for the tokens by which scripts write into the Server Admin Log.
    #[command(subcommand)]
    LogToken(log::LogTokenCommand),
    /// Show what cloud, LDAP and wiki say differently. Exit status 1 where anything does, or could not be asked.
    Drift {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Look at the audit: what was asked and done.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Do what the wiki's API does, for a wiki user: `act --for Volunteer novainstance subaction=delete
    /// instanceid=…`; with `dryrun=1` only the plan is shown.
    Act(ActArgs),
}

#[derive(Args)]
struct ActArgs {
    /// The wiki user for whom it is done, with their rights and no others.
    #[arg(long = "for", value_name = "WIKI USER")]
    person: String,
    /// The API module: novainstance, novaoperation, novaoperationwish, novainstances, novaprobe …
    module: String,
    /// Its parameters, as name=value.
    params: Vec<String>,
}

#[derive(Subcommand)]
enum WikiCommand {
    /// Install or update templates and schema pages; pages that somebody edited are left and reported, with what
    /// differs.
    Push {
        /// Only say what would be done.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Args)]
struct LinkArgs {
    /// The wiki user's name.
    #[arg(long)]
    wiki_user: String,
    /// The `uid` of the LDAP entry.
    #[arg(long, required_unless_present = "unlink")]
    uid: Option<String>,
    /// Take the link away instead; with --uid only if it is to that entry.
    #[arg(long)]
    unlink: bool,
}

#[derive(Subcommand)]
enum RestoredCommand {
    /// Lift the hold on all writing.
    Release {
        /// Park what is not over, so that a person decides on each (this is the default).
        #[arg(long)]
        park: bool,
        /// Let what is not over go on instead.
        #[arg(long, conflicts_with = "park")]
        go_on: bool,
    },
}

#[derive(Subcommand)]
enum OperationsCommand {
    /// List operations, newest first.
    List {
        /// Those that are over, too.
        #[arg(long)]
        all: bool,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Have an operation taken back while it is under way, where that can be.
    Cancel(WishArgs),
    /// Have an operation that stopped half-way go on.
    Retry(WishArgs),
    /// Let an operation that stopped half-way be.
    GiveUp(WishArgs),
    /// Show one operation with its steps.
    Show {
        /// The operation's id.
        id: String,
    },
}

#[derive(Args)]
struct WishArgs {
    /// The operation's id.
    id: String,
    /// The wiki user for whom it is done, with their rights and no others.
    #[arg(long = "for", value_name = "WIKI USER")]
    person: String,
}

impl OperationsCommand {
    /// What is wished, as the API calls it, and of which operation.
    fn wish(&self) -> Option<(&'static str, &WishArgs)> {
        match self {
            Self::Cancel(args) => Some(("cancel", args)),
            Self::Retry(args) => Some(("retry", args)),
            Self::GiveUp(args) => Some(("giveup", args)),
            Self::List { .. } | Self::Show { .. } => None,
        }
    }
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A neighbour failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The system refused something.
    #[error("{0}: {1}")]
    System(String, std::io::Error),
    /// It cannot be done as asked; the text says why and what to do.
    #[error("{0}")]
    Refused(String),
}

/// A line on standard output. Whoever reads it may have gone (`… | head`), which is no failure.
pub(crate) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Who sits at the keyboard, for the record.
fn operator() -> String {
    ["SUDO_USER", "USER"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_else(|| "operator".to_owned())
}

/// Runs the process's command line.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::System("cannot start the runtime".to_owned(), error))
        .and_then(|runtime| runtime.block_on(command(&cli)));
    match done {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("openstackmanager: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn command(cli: &Cli) -> Result<ExitCode, Failure> {
    if let Command::Contract = cli.command {
        say(format_args!("{:#}", catalogue::contract()));
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Log(args) = &cli.command {
        log::send(args).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let (config, secrets) = load(cli)?;
    if let Command::Serve = cli.command {
        telemetry::start(config.server.log, "info");
    } else {
        telemetry::start(LogFormat::Text, "warn");
    }
    if let Command::Doctor = cli.command {
        return Ok(doctor::run(&config, secrets).await);
    }
    let app = App::connect(&config, &secrets).await?;
    match &cli.command {
        Command::Serve => app.serve(&config, secrets).await?,
        Command::Migrate => {
            for name in app.store.migrate().await? {
                say(format_args!("applied {name}"));
            }
            let (version, _) = app.store.schema().await?;
            say(format_args!("the schema is at version {version}"));
        }
        Command::Wiki(WikiCommand::Push { dry_run }) => {
            if !app.wiki_push(*dry_run).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Link(args) => {
            let people = app.people();
            match &args.uid {
                uid if args.unlink => people.unlink(&args.wiki_user, uid.as_deref()).await?,
                Some(uid) => people.link(&args.wiki_user, uid).await?,
                // clap has refused this.
                None => {}
            }
        }
        Command::Links => app.people().list().await?,
        Command::Operations(OperationsCommand::List { all, limit }) => {
            operations::list(app.store.as_ref(), !all, *limit).await?;
        }
        Command::Operations(OperationsCommand::Show { id }) => {
            operations::show(app.store.as_ref(), id).await?;
        }
        Command::Operations(wish) => {
            if let Some((word, args)) = wish.wish() {
                let words = [format!("operation={}", args.id), format!("wish={word}")];
                let hand = app.hand(&config);
                if !hand.act(&args.person, "novaoperationwish", &words).await? {
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
        Command::Act(args) => {
            let hand = app.hand(&config);
            if !hand.act(&args.person, &args.module, &args.params).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Audit(command) => {
            if !app.auditor(command.with_wiki()).run(command).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::LogToken(command) => log::tokens(&app.book(&config), command).await?,
        Command::Drift { json } => {
            if !drift::show(&app.drift(&config), *json).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Restored { command: None } => restored::show(&app.restored(&config)).await?,
        Command::Restored {
            command: Some(RestoredCommand::Release { go_on, .. }),
        } => restored::release(&app.restored(&config), *go_on).await?,
        // Done above.
        Command::Doctor | Command::Contract | Command::Log(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn load(cli: &Cli) -> Result<(Config, Secrets), ConfigError> {
    Config::load(&cli.config, &|name| std::env::var(name).ok())
}

pub use act::Hand;
pub use audit::Auditor;
pub use links::People;
