//! What is asked of a service.

use osm_core::ids::ProjectId;
use osm_core::ports::{Kind, PortError};
use reqwest::Method;
use serde_json::Value;

/// The services we call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Identity,
    Compute,
    /// Nova's own description of its versions, above its resources.
    ComputeVersion,
    Image,
    Network,
}

impl Service {
    /// The name people know it by.
    pub fn system(self) -> &'static str {
        match self {
            Self::Identity => "keystone",
            Self::Compute | Self::ComputeVersion => "nova",
            Self::Image => "glance",
            Self::Network => "neutron",
        }
    }

    /// The type under which the catalogue lists it.
    pub fn catalogue_type(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Compute | Self::ComputeVersion => "compute",
            Self::Image => "image",
            Self::Network => "network",
        }
    }
}

/// In which project our account acts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// The project for reading across projects.
    Reader,
    /// A managed project.
    Project(ProjectId),
}

impl From<&ProjectId> for Scope {
    fn from(id: &ProjectId) -> Self {
        Self::Project(id.clone())
    }
}

/// One request, not yet addressed to a region and not yet signed with a token.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub service: Service,
    /// What is tried, in words.
    pub operation: &'static str,
    /// On what.
    pub target: String,
    pub method: Method,
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Value>,
    /// Asking twice does no more than asking once.
    pub repeatable: bool,
}

impl Request {
    pub fn get(
        service: Service,
        operation: &'static str,
        target: impl ToString,
        path: impl Into<String>,
    ) -> Self {
        Self {
            service,
            operation,
            target: target.to_string(),
            method: Method::GET,
            path: path.into(),
            query: Vec::new(),
            body: None,
            repeatable: true,
        }
    }

    /// A request that changes something: never repeated here, the runner decides.
    pub fn change(
        method: Method,
        service: Service,
        operation: &'static str,
        target: impl ToString,
        path: impl Into<String>,
        body: Option<Value>,
    ) -> Self {
        Self {
            method,
            body,
            repeatable: false,
            ..Self::get(service, operation, target, path)
        }
    }

    /// A POST that only reads.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    pub fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Its failure.
    pub fn error(&self, kind: Kind, detail: impl Into<String>) -> PortError {
        PortError::new(
            self.service.system(),
            self.operation,
            self.target.as_str(),
            kind,
            detail,
        )
    }
}
