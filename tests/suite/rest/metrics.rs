//! The formats of metrics.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE, VARY};

use super::client::{Answer, Rest, send};
use super::shared;

const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

async fn metrics(rest: &Rest, accept: Option<&str>) -> Answer {
    let request = rest.http.get(rest.url("/metrics"));
    let answer = match accept {
        Some(accept) => send(request.header(ACCEPT, accept)).await,
        None => send(request).await,
    };
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.header(VARY), Some("accept"));
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_ask_for_open_metrics_gets_the_classic_text() {
    let (rest, _ring) = shared::ring().await;
    rest.created("metrics").await;
    for accept in [None, Some("text/plain"), Some("*/*"), Some("application/openmetrics-text;q=0")]
    {
        let answer = metrics(&rest, accept).await;
        assert_eq!(answer.header(CONTENT_TYPE), Some(CLASSIC), "{accept:?}");
        assert_is_classic(&answer.body);
    }
}

/// Each sample must have a type, under its own name or that of its histogram. Nothing known
/// only to OpenMetrics may remain.
fn assert_is_classic(text: &str) {
    let mut types = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(types.insert(name, kind).is_none(), "{line} is there twice");
        } else if line.starts_with('#') {
            assert!(line.starts_with("# HELP "), "{line}");
        } else {
            let (sample, value) = line.rsplit_once(' ').expect("a sample and a value");
            let name = sample.split('{').next().expect("a name");
            let of_histogram = ["_bucket", "_sum", "_count"].into_iter().any(|suffix| {
                name.strip_suffix(suffix).is_some_and(|name| types.get(name) == Some(&"histogram"))
            });
            assert!(of_histogram || types.contains_key(name), "{line} has no type");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    assert_eq!(types.get("chainring_requests_total"), Some(&"counter"));
    assert_eq!(types.get("chainring_request_duration_seconds"), Some(&"histogram"));
    assert_eq!(types.get("chainring_node_linked"), Some(&"gauge"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_open_metrics_gets_it() {
    let (rest, _ring) = shared::ring().await;
    for accept in [
        "application/openmetrics-text",
        "application/openmetrics-text; version=1.0.0, text/plain;q=0.5",
        "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1",
    ] {
        let answer = metrics(&rest, Some(accept)).await;
        assert_eq!(answer.header(CONTENT_TYPE), Some(OPEN_METRICS), "{accept}");
        assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
        assert!(answer.body.contains("# TYPE chainring_requests counter\n"), "{}", answer.body);
    }
}
