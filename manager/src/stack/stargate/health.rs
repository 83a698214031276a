//! How Stargate is: by a query that goes the whole way, through the GraphQL door and the coordinator to
//! Cassandra. Its own health page stays green when what is behind it has gone.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{AUTH_PORT, GRAPHQL_PORT};
use crate::stack::health::Answer;
use crate::stack::http::Question;

/// The user that Cassandra has where nobody made another; without logins the coordinator takes any.
const LOGIN: &str = r#"{"username":"cassandra","password":"cassandra"}"#;
const QUERY: &str = r#"{"query":"{ keyspaces { name } }"}"#;

/// What Stargate answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StargateHealth {
    /// How many keyspaces it shows.
    pub keyspaces: usize,
}

/// Asks the two services of a board.
pub async fn health(address: Ipv4Addr, within: Duration) -> Answer<StargateHealth> {
    at(SocketAddr::from((address, AUTH_PORT)), SocketAddr::from((address, GRAPHQL_PORT)), within).await
}

async fn at(coordinator: SocketAddr, graphql: SocketAddr, within: Duration) -> Answer<StargateHealth> {
    let asked = async {
        let token = token(coordinator, within).await?;
        keyspaces(graphql, &token, within).await
    };
    match asked.await {
        Ok(keyspaces) => Answer::Said(StargateHealth { keyspaces }),
        Err(reason) => Answer::Silent { reason },
    }
}

async fn token(coordinator: SocketAddr, within: Duration) -> Result<String, String> {
    let question = Question { address: coordinator, path: "/v1/auth", headers: &[], body: Some(LOGIN) };
    let said = question.ask(within).await.map_err(|error| format!("the coordinator: {error}"))?;
    let token = serde_json::from_str::<Value>(&said.body)
        .ok()
        .and_then(|body| body["authToken"].as_str().map(str::to_owned));
    token.ok_or_else(|| format!("the coordinator at {coordinator} gives no token: HTTP {}", said.status))
}

async fn keyspaces(graphql: SocketAddr, token: &str, within: Duration) -> Result<usize, String> {
    let headers = [("X-Cassandra-Token", token)];
    let question =
        Question { address: graphql, path: "/graphql-schema", headers: &headers, body: Some(QUERY) };
    let said = question.ask(within).await.map_err(|error| format!("GraphQL: {error}"))?;
    if said.status != 200 {
        return Err(format!("GraphQL at {graphql} answers HTTP {}", said.status));
    }
    // A query that failed is HTTP 200 too, with `errors` in its body.
    let body: Value = serde_json::from_str(&said.body)
        .map_err(|_| format!("GraphQL at {graphql} answers what is not JSON"))?;
    if let Some(error) = body["errors"].get(0) {
        let words = error["message"].as_str().unwrap_or("it does not say why");
        return Err(format!("GraphQL at {graphql} cannot read Cassandra: {words}"));
    }
    match body["data"]["keyspaces"].as_array() {
        Some(keyspaces) if !keyspaces.is_empty() => Ok(keyspaces.len()),
        _ => Err(format!("GraphQL at {graphql} shows no keyspace")),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::Router;
    use axum::routing::post;
    use tokio::net::TcpListener;

    use super::*;

    /// A service with one answer at one path.
    async fn serve(path: &'static str, status: u16, body: &'static str) -> SocketAddr {
        let answer = (axum::http::StatusCode::from_u16(status).unwrap(), body);
        let routes = Router::new().route(path, post(move || std::future::ready(answer)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        address
    }

    async fn asked(token: (u16, &'static str), query: (u16, &'static str)) -> Result<usize, String> {
        let coordinator = serve("/v1/auth", token.0, token.1).await;
        let graphql = serve("/graphql-schema", query.0, query.1).await;
        match at(coordinator, graphql, Duration::from_secs(5)).await {
            Answer::Said(health) => Ok(health.keyspaces),
            Answer::Silent { reason } => Err(reason),
        }
    }

    const TOKEN: (u16, &str) = (201, r#"{"authToken":"t"}"#);

    #[tokio::test]
    async fn a_query_that_reaches_cassandra_is_health() {
        let keyspaces = (200, r#"{"data":{"keyspaces":[{"name":"system"},{"name":"rack"}]}}"#);
        assert_eq!(asked(TOKEN, keyspaces).await, Ok(2));
    }

    #[tokio::test]
    async fn whatever_does_not_reach_it_is_told_in_its_own_words() {
        for (token, query, words) in [
            ((401, "{}"), (200, "{}"), "gives no token: HTTP 401"),
            (TOKEN, (502, "Bad Gateway"), "answers HTTP 502"),
            (
                TOKEN,
                (200, r#"{"errors":[{"message":"UNAVAILABLE: io exception"}]}"#),
                "UNAVAILABLE: io exception",
            ),
            (TOKEN, (200, r#"{"data":{"keyspaces":[]}}"#), "shows no keyspace"),
            (TOKEN, (200, "hello"), "not JSON"),
        ] {
            let reason = asked(token, query).await.unwrap_err();
            assert!(reason.contains(words), "{reason}");
        }
        let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
        let Answer::Silent { reason } = at(nobody, nobody, Duration::from_secs(5)).await else { panic!() };
        assert!(
            reason.starts_with("the coordinator: http://127.0.0.1:9/v1/auth does not answer"),
            "{reason}"
        );
    }
}
