//! Exposition formats: the text formats of the metrics.
//!
//! `prometheus-client` writes [OpenMetrics]. Scrapers of the [classic] text format misread it.
//! They take `# EOF` and `# UNIT` for comments. They take a counter `x` with samples named
//! `x_total` for two things: a counter without samples, and untyped samples. So a client gets
//! the classic format unless it asks for OpenMetrics.
//!
//! [OpenMetrics]:
//! https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
//! [classic]: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use prometheus_client::encoding::text::{encode, encode_registry};
use prometheus_client::registry::Registry;

/// A format for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exposition {
    /// The text format of Prometheus, version 0.0.4.
    Classic,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Exposition {
    /// The format for the `Accept` of a request. It is OpenMetrics only if `Accept` names
    /// OpenMetrics with at least the weight of plain text. Otherwise it is the classic format.
    pub(super) fn asked_for(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
        let ranges =
            lines.flat_map(|line| line.split(',')).filter_map(Range::parse).collect::<Vec<_>>();
        let weight = |media: &str, version: &str| {
            let matching = ranges.iter().filter(|range| range.matches(media, version));
            matching.map(|range| range.weight).reduce(f32::max)
        };
        let open_metrics = weight("application/openmetrics-text", "1.0.0").unwrap_or(0.0);
        // The most specific range counts (RFC 9110, section 12.5.1).
        let classic = weight("text/plain", "0.0.4")
            .or_else(|| weight("text/*", ""))
            .or_else(|| weight("*/*", ""))
            .unwrap_or(0.0);
        if open_metrics > 0.0 && open_metrics >= classic {
            Self::OpenMetrics
        } else {
            Self::Classic
        }
    }

    /// The value of `Content-Type`.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The metrics in this format.
    pub(super) fn of(self, registry: &Registry) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        match self {
            Self::Classic => {
                encode_registry(&mut text, registry)?;
                Ok(classic(&text))
            }
            Self::OpenMetrics => {
                encode(&mut text, registry)?;
                Ok(text)
            }
        }
    }
}

/// A media range of `Accept`.
struct Range<'a> {
    media: &'a str,
    version: Option<&'a str>,
    weight: f32,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let mut range = Self { media: parts.next()?, version: None, weight: 1.0 };
        for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            if name.eq_ignore_ascii_case("q") {
                range.weight = value.parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?;
            } else if name.eq_ignore_ascii_case("version") {
                range.version = Some(value.trim_matches('"'));
            }
        }
        Some(range)
    }

    fn matches(&self, media: &str, version: &str) -> bool {
        self.media.eq_ignore_ascii_case(media) && self.version.is_none_or(|own| own == version)
    }
}

/// Rewrites OpenMetrics, without its end line, as the classic text: a counter gets the name of
/// its samples, and lines of units are left out.
fn classic(open_metrics: &str) -> String {
    let metadata = |line: &'_ str| {
        let mut words = line.strip_prefix("# ")?.splitn(3, ' ').map(str::to_owned);
        Some((words.next()?, words.next()?, words.next().unwrap_or_default()))
    };
    let described = open_metrics.lines().filter_map(metadata);
    let counters = described
        .filter(|(kind, _, what)| kind == "TYPE" && what == "counter")
        .map(|(_, name, _)| name)
        .collect::<BTreeSet<_>>();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        match metadata(line) {
            Some((kind, ..)) if kind == "UNIT" => continue,
            Some((kind, name, what)) if counters.contains(&name) => {
                text.push_str(&format!("# {kind} {name}_total {what}"));
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::metrics::histogram::Histogram;
    use prometheus_client::registry::Unit;

    use super::*;

    fn asked_for(lines: &[&'static str]) -> Exposition {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT, HeaderValue::from_static(line));
        }
        Exposition::asked_for(&headers)
    }

    #[test]
    fn open_metrics_is_for_who_names_it() {
        for accept in [
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; Version=1.0.0; Charset=utf-8",
            "application/openmetrics-text; version=\"1.0.0\"",
            "application/openmetrics-text, text/plain",
            "text/plain;q=0.5, application/openmetrics-text;q=0.5",
            "*/*;q=0.1,application/openmetrics-text;q=0.2",
            "application/openmetrics-text;q=0.3, text/plain;q=0.2, */*",
            // Prometheus 2 and 3.
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        ] {
            assert_eq!(asked_for(&[accept]), Exposition::OpenMetrics, "{accept}");
        }
        let lines = ["text/plain;q=0.5", "application/openmetrics-text"];
        assert_eq!(asked_for(&lines), Exposition::OpenMetrics);
    }

    #[test]
    fn everyone_else_gets_the_classic_format() {
        assert_eq!(asked_for(&[]), Exposition::Classic);
        for accept in [
            "",
            "*/*",
            "text/plain",
            "text/plain; version=0.0.4",
            "text/html, */*;q=0.8",
            "application/*",
            "application/json",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0.000, */*",
            "application/openmetrics-text;q=0.4, text/plain;q=0.5",
            "application/openmetrics-text;q=0.4, text/*;q=0.5",
            "application/openmetrics-text;q=0.4, */*;q=0.5",
            "application/openmetrics-text;q=2",
            "application/openmetrics-text;q=NaN",
            "application/openmetrics-text;q=x",
            "application/openmetrics-text; version=2.0.0",
            "application/openmetrics-text-x",
            "x-application/openmetrics-text",
        ] {
            assert_eq!(asked_for(&[accept]), Exposition::Classic, "{accept}");
        }
    }

    fn registry() -> Registry {
        let mut registry = Registry::with_prefix("p");
        let (gauge, counter) = (Gauge::<i64>::default(), Counter::<u64>::default());
        gauge.set(-3);
        counter.inc_by(5);
        let histogram = Histogram::new([0.5, 1.0]);
        histogram.observe(0.7);
        registry.register("open", "How many # TYPE p_open counter", gauge);
        registry.register("done", "What was done", counter);
        registry.register_with_unit("took", "How long", Unit::Seconds, histogram);
        registry
    }

    #[test]
    fn the_classic_text_names_counters_as_their_samples() {
        let expected = [
            "# HELP p_open How many # TYPE p_open counter.",
            "# TYPE p_open gauge",
            "p_open -3",
            "# HELP p_done_total What was done.",
            "# TYPE p_done_total counter",
            "p_done_total 5",
            "# HELP p_took_seconds How long.",
            "# TYPE p_took_seconds histogram",
            "p_took_seconds_sum 0.7",
            "p_took_seconds_count 1",
            "p_took_seconds_bucket{le=\"0.5\"} 0",
            "p_took_seconds_bucket{le=\"1.0\"} 1",
            "p_took_seconds_bucket{le=\"+Inf\"} 1",
        ];
        let text = Exposition::Classic.of(&registry()).unwrap();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn open_metrics_is_left_as_it_is() {
        let text = Exposition::OpenMetrics.of(&registry()).unwrap();
        for line in ["# TYPE p_done counter", "p_done_total 5", "# UNIT p_took_seconds seconds"] {
            assert!(text.lines().any(|other| other == line), "{line} is not in:\n{text}");
        }
        assert!(text.ends_with("\n# EOF\n"));
    }
}
