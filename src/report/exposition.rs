//! OpenMetrics' text: metrics, their samples and labels, as Prometheus reads them. What there is to say is said by others.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

/// What a server calls this text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Labels: their names, and values that many samples share.
pub type Labels = Vec<(&'static str, Arc<str>)>;

/// What a sample says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Value {
    /// A count, or a yes (1) or no (0).
    Whole(u64),
    /// A measure.
    Measure(f64),
}

/// A metric: what it is called and means, and its samples in their order.
#[derive(Debug)]
pub struct Family {
    name: &'static str,
    /// Its unit, which becomes the end of its name.
    unit: Option<Unit>,
    help: &'static str,
    /// It only ever grows; its name ends with `_total`.
    counts: bool,
    samples: Vec<(Labels, Value)>,
}

impl Family {
    /// A gauge. The sentence of help has no full stop at its end: the writer adds it.
    pub fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, unit: None, help, counts: false, samples: Vec::new() }
    }

    /// A gauge in seconds; its name is written without them.
    pub fn seconds(name: &'static str, help: &'static str) -> Self {
        Self { unit: Some(Unit::Seconds), ..Self::new(name, help) }
    }

    /// A gauge in bytes; its name is written without them.
    pub fn bytes(name: &'static str, help: &'static str) -> Self {
        Self { unit: Some(Unit::Bytes), ..Self::new(name, help) }
    }

    /// A counter; its name is written without `_total`.
    #[must_use]
    pub fn counter(self) -> Self {
        Self { counts: true, ..self }
    }

    /// One more sample: a count, or a yes (1) or no (0).
    pub fn whole(&mut self, labels: Labels, value: impl Into<u64>) {
        self.samples.push((labels, Value::Whole(value.into())));
    }

    /// One more sample: a measure.
    pub fn measure(&mut self, labels: Labels, value: f64) {
        self.samples.push((labels, Value::Measure(value)));
    }

    fn say(&self, value: Value, sample: &mut MetricEncoder<'_>) -> fmt::Result {
        match value {
            Value::Whole(value) if self.counts => sample.encode_counter::<Labels, _, u64>(&value, None),
            Value::Measure(value) if self.counts => sample.encode_counter::<Labels, _, u64>(&value, None),
            Value::Whole(value) => sample.encode_gauge(&value),
            Value::Measure(value) => sample.encode_gauge(&value),
        }
    }

    /// What it is called, without its unit and `_total`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

/// A time as metrics have it, Unix time in s.
pub fn unix(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// The text. Families of one name are written as one, as the format wants it.
///
/// # Errors
/// A sample has no text form: a defect.
pub fn text(families: impl IntoIterator<Item = Arc<Family>>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Metrics(by_name(families))));
    let mut out = String::new();
    encode(&mut out, &registry)?;
    Ok(out)
}

/// The families by their names, in the order in which each name came first.
fn by_name(families: impl IntoIterator<Item = Arc<Family>>) -> Vec<Vec<Arc<Family>>> {
    let mut at: HashMap<&str, usize> = HashMap::new();
    let mut all: Vec<Vec<Arc<Family>>> = Vec::new();
    for family in families {
        let place = *at.entry(family.name).or_insert(all.len());
        match all.get_mut(place) {
            Some(there) => there.push(family),
            None => all.push(vec![family]),
        }
    }
    all
}

#[derive(Debug)]
struct Metrics(Vec<Vec<Arc<Family>>>);

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for families in &self.0 {
            let Some(first) = families.first() else { continue };
            let kind = if first.counts {
                ConstCounter::new(0_u64).metric_type()
            } else {
                ConstGauge::new(0_u64).metric_type()
            };
            let mut metric = encoder.encode_descriptor(first.name, first.help, first.unit.as_ref(), kind)?;
            for (labels, value) in families.iter().flat_map(|family| &family.samples) {
                if labels.is_empty() {
                    first.say(*value, &mut metric)?;
                } else {
                    first.say(*value, &mut metric.encode_family(labels)?)?;
                }
            }
        }
        Ok(())
    }
}
