//! The thread that sends spans.
//!
//! The program never waits for it: a span that finds the queue full is dropped, and so are those that the collector
//! does not take after some attempts. Only at the end of the program there is a limited time in which the rest is sent.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use hyper::body::Bytes;
use hyper::http::HeaderValue;
use hyper::http::header::CONTENT_TYPE;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::encode::{Encoding, Resource};
use super::span::Span;
use crate::net::http::client::Client;
use crate::net::http::client::exchange;
use crate::net::http::client::request::Request;
use crate::net::http::engine::{self, body::Payload};

/// Spans that wait to be sent.
const QUEUE: usize = 2048;
/// Spans in one request.
const BATCH: usize = 512;
/// How long spans are gathered.
const DELAY: Duration = Duration::from_secs(5);
/// How long the end of the program waits for the rest.
const FLUSH: Duration = Duration::from_secs(3);
/// How often a request is sent.
const ATTEMPTS: u32 = 4;
/// The pause before the second attempt; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a request may take unless the options say.
const TIMEOUT: Duration = Duration::from_secs(10);
const STACK_BYTES: usize = 512 << 10;

/// Who sends spans. Dropping it sends the rest, and waits for that a limited time.
pub struct Exporter {
    queue: Option<mpsc::Sender<Span>>,
    ended: Receiver<()>,
}

impl Exporter {
    /// Starts the thread. All requests are as `template` but for the body.
    ///
    /// # Errors
    /// The system allows no thread.
    pub fn start(
        template: Request,
        encoding: Encoding,
        resource: Resource,
    ) -> io::Result<Exporter> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (queue, spans) = mpsc::channel(QUEUE);
        let (end, ended) = channel();
        let sender = Sender {
            client: Arc::default(),
            template,
            encoding,
            resource,
            has_warned: false,
        };
        let work = Box::pin(sender.run(spans));
        engine::run("telemetry", STACK_BYTES, runtime, work, move || {
            // Whoever waits may have given up.
            let _ = end.send(());
        })?;
        Ok(Exporter {
            queue: Some(queue),
            ended,
        })
    }

    /// Takes a span, or drops it if there are too many.
    pub fn take(&self, span: Span) {
        if let Some(queue) = &self.queue {
            // A full queue is the case that is meant.
            let _ = queue.try_send(span);
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.queue = None;
        match self.ended.recv_timeout(FLUSH) {
            Ok(()) | Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
        }
    }
}

struct Sender {
    client: Arc<Client>,
    template: Request,
    encoding: Encoding,
    resource: Resource,
    has_warned: bool,
}

impl Sender {
    /// Sends what comes until nothing more can come.
    async fn run(mut self, mut spans: mpsc::Receiver<Span>) {
        while let Some(first) = spans.recv().await {
            let mut batch = vec![first];
            let end = Instant::now() + DELAY;
            while batch.len() < BATCH {
                match timeout_at(end, spans.recv()).await {
                    Ok(Some(span)) => batch.push(span),
                    Ok(None) | Err(_) => break,
                }
            }
            self.send(&batch).await;
        }
    }

    async fn send(&mut self, batch: &[Span]) {
        let body = Bytes::from(self.encoding.request(&self.resource, batch));
        let mut pause = PAUSE;
        let mut problem = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                sleep(pause).await;
                pause *= 2;
            }
            match exchange::send(self.client.clone(), self.request(body.clone())).await {
                Ok(answer) if (200..300).contains(&answer.status) => return,
                Ok(answer) => {
                    problem = format!("status {}", answer.status);
                    if !matches!(answer.status, 429 | 502 | 503 | 504) {
                        break;
                    }
                }
                Err(error) => problem = error.to_string(),
            }
        }
        if !self.has_warned {
            self.has_warned = true;
            // Keys may stand in the rest of the address.
            let host = self.template.url.authority();
            // Without a standard error there is nobody to tell.
            let _ = writeln!(
                io::stderr(),
                "Warning: telemetry is lost: the collector at {host} does not take it: {problem}"
            );
        }
    }

    fn request(&self, body: Bytes) -> Request {
        let template = &self.template;
        let mut headers = template.headers.clone();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(self.encoding.media_type()),
        );
        Request {
            method: template.method.clone(),
            url: template.url.clone(),
            headers,
            body: Payload::Bytes(body),
            length: None,
            room: None,
            budget: template.budget.clone(),
            form: template.form,
            timeout: Some(template.timeout.unwrap_or(TIMEOUT)),
            connect_timeout: template.connect_timeout,
            redirects: template.redirects,
            decompress: template.decompress,
            most: template.most,
            proxies: template.proxies.clone(),
            trust: template.trust.clone(),
            limits: template.limits.clone(),
        }
    }
}
