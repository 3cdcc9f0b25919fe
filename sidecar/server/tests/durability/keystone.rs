//! What the lab's admin does to Keystone for these tests: addresses of a catalogue's interface that nobody
//! else uses, and a service account of a test's own.

use crate::world::lab;
use reqwest::{Client, Method};
use serde_json::{Value as Json, json};
use std::net::SocketAddr;
use url::Url;

/// The interface that the lab's catalogue has no addresses for.
pub const INTERFACE: &str = "admin";

pub struct Admin {
    client: Client,
    url: String,
    token: String,
}

impl Admin {
    pub async fn login() -> Self {
        let clouds = std::fs::read_to_string(lab().join("clouds.yaml")).unwrap();
        let clouds: Json = serde_json::from_str(&clouds).unwrap();
        let auth = &clouds["clouds"]["demo-admin"]["auth"];
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": auth["username"],
                "domain": {"name": auth["user_domain_name"]},
                "password": auth["password"],
            }}},
            "scope": {"project": {
                "name": auth["project_name"],
                "domain": {"name": auth["project_domain_name"]},
            }},
        }});
        let client = Client::builder().no_proxy().build().unwrap();
        let url = auth["auth_url"].as_str().unwrap().to_owned();
        let login = client.post(format!("{url}/auth/tokens")).json(&body);
        let reply = login.send().await.unwrap();
        let token = reply.headers()["x-subject-token"].to_str().unwrap();
        Self {
            token: token.to_owned(),
            client,
            url,
        }
    }

    pub async fn call(&self, method: Method, path: &str, body: Json) -> Json {
        let url = format!("{}{path}", self.url);
        let mut request = self.client.request(method.clone(), &url);
        request = request.header("X-Auth-Token", &self.token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let reply = request.send().await.unwrap();
        let (status, text) = (reply.status(), reply.text().await.unwrap());
        assert!(status.is_success(), "{method} {url}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub async fn get(&self, path: &str, key: &str) -> Vec<Json> {
        let mut reply = self.call(Method::GET, path, Json::Null).await;
        serde_json::from_value(reply[key].take()).unwrap()
    }

    /// The address of a kind of service.
    pub async fn public(&self, kind: &str) -> (String, Url) {
        let services = self
            .get(&format!("/services?type={kind}"), "services")
            .await;
        let service = services[0]["id"].as_str().unwrap().to_owned();
        let path = format!("/endpoints?interface=public&service_id={service}");
        let endpoints = self.get(&path, "endpoints").await;
        let url = endpoints[0]["url"].as_str().unwrap();
        // `%(tenant_id)s` and the like are no part of a URL, and of no use here.
        (service, Url::parse(url).unwrap())
    }

    /// Has the interface of its own lead to another address.
    pub async fn point(&self, kind: &str, region: &str, to: SocketAddr) {
        let (service, mut url) = self.public(kind).await;
        url.set_ip_host(to.ip()).unwrap();
        url.set_port(Some(to.port())).unwrap();
        let endpoint = json!({"endpoint": {
            "interface": INTERFACE, "region_id": region, "service_id": service, "url": url,
        }});
        self.call(Method::POST, "/endpoints", endpoint).await;
    }

    /// Takes these addresses away again, an earlier test's too that was killed.
    pub async fn unpoint(&self, kinds: &[&str]) {
        for kind in kinds {
            let (service, _) = self.public(kind).await;
            let path = format!("/endpoints?interface={INTERFACE}&service_id={service}");
            for endpoint in self.get(&path, "endpoints").await {
                let path = format!("/endpoints/{}", endpoint["id"].as_str().unwrap());
                self.call(Method::DELETE, &path, Json::Null).await;
            }
        }
    }

    /// An account that may do what another may; gives its id.
    pub async fn like(&self, other: &str, name: &str, password: &str) -> String {
        let users = self.get(&format!("/users?name={other}"), "users").await;
        let other = users[0]["id"].as_str().unwrap();
        let user = json!({"user": {
            "name": name, "password": password, "domain_id": users[0]["domain_id"],
        }});
        let user = self.call(Method::POST, "/users", user).await;
        let id = user["user"]["id"].as_str().unwrap().to_owned();
        let path = format!("/role_assignments?user.id={other}");
        for assignment in self.get(&path, "role_assignments").await {
            let role = assignment["role"]["id"].as_str().unwrap();
            if let Some(project) = assignment["scope"]["project"]["id"].as_str() {
                let path = format!("/projects/{project}/users/{id}/roles/{role}");
                self.call(Method::PUT, &path, Json::Null).await;
            }
        }
        id
    }

    /// Ends all tokens of an account, whose password is the same after it.
    pub async fn revoke(&self, user: &str, password: &str) {
        for password in ["another for a moment", password] {
            let body = json!({"user": {"password": password}});
            self.call(Method::PATCH, &format!("/users/{user}"), body)
                .await;
        }
    }
}
