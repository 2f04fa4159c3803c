//! Traces, to an OpenTelemetry collector: OTLP over HTTP, as protobuf.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Key, KeyValue};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::config::ConfigError;

/// A collector that takes longer loses a batch; the road does not wait for it.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is read of a collector's answer.
const ANSWER_BYTES: usize = 1 << 16;

/// The traces of the process, handed over in batches and, the last ones, when it is dropped.
pub(super) struct Traces {
    provider: SdkTracerProvider,
}

impl Drop for Traces {
    fn drop(&mut self) {
        // The log may be gone by now, and a collector that does not answer is no failure of what was done.
        let _ = self.provider.shutdown();
    }
}

/// Sends our own spans, and nobody else's, to the collector at this address.
pub(super) fn start<S>(endpoint: &str) -> Result<(Traces, Box<dyn Layer<S> + Send + Sync>), ConfigError>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let unusable = |problem: String| ConfigError::Value {
        named: "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(),
        problem,
        example: "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318".to_owned(),
    };
    let runtime = Handle::try_current().map_err(|error| unusable(error.to_string()))?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::new(runtime))
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| unusable(format!("can't be used ({error})")))?;
    let provider =
        SdkTracerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build();
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("upswell"))
        .with_filter(Targets::new().with_target("upswell", tracing::Level::INFO));
    Ok((Traces { provider }, spans.boxed()))
}

/// Who we are: as OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, else `upswell`.
fn resource() -> Resource {
    let told = Resource::builder().build();
    let name = told.get(&Key::from_static_str("service.name"));
    let is_named = name.is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    let resource =
        Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    if is_named { resource.build() } else { resource.with_service_name("upswell").build() }
}

/// Speaks to the collector from the process's own runtime: batches are made in a thread that has none.
#[derive(Debug)]
struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Handle,
}

impl Collector {
    fn new(runtime: Handle) -> Self {
        let tls = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Self { client: Client::builder(TokioExecutor::new()).build(tls), runtime }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let exchange = async move {
            let response = client.request(request.map(Full::new)).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(parts, body))
        };
        self.runtime.spawn(async { tokio::time::timeout(PATIENCE, exchange).await }).await??
    }
}
