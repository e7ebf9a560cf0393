//! HTTP/1.1 connection with a limit on every wait for the client.

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::Service as _, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep, timeout},
};

use crate::{
    Limits,
    client::{Client, Phase},
    refusal::{ErrorBody, ErrorCode},
    stop::Asked,
};

/// Local address that a request came in at; an extension of each request.
#[derive(Clone, Copy)]
pub(crate) struct Local(pub(crate) SocketAddr);

/// Largest head of a request, in bytes.
const HEAD: usize = 32 << 10;

/// Returns the answer to a head that does not arrive in time; hyper answers only requests that it can read.
fn slow_head() -> String {
    let body = ErrorBody::new(ErrorCode::SlowHead, "the head of the request took too long".to_owned());
    // Strings always become JSON.
    let body = serde_json::to_string(&body).unwrap_or_default();
    let length = body.len();
    let head = "HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\nconnection: close\r\n";
    format!("{head}content-length: {length}\r\n\r\n{body}")
}

/// Serves requests until the client closes, is too slow or dismissed, or the server stops.
pub(crate) async fn serve(
    stream: TcpStream,
    router: Router,
    limits: Arc<Limits>,
    client: Arc<Client>,
    mut asked: Asked,
) {
    let Ok(local) = stream.local_addr() else { return };
    // Answers are small and complete: a delay to collect more data gains nothing.
    let _ = stream.set_nodelay(true);
    let (router, of_service) = (TowerToHyperService::new(router), Arc::clone(&client));
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Local(local));
        request.extensions_mut().insert(Arc::clone(&of_service));
        of_service.enter(Phase::Answer);
        let (answered, client) = (router.call(request), Arc::clone(&of_service));
        Box::pin(async move {
            let answer = answered.await;
            client.enter(Phase::Sending);
            answer
        }) as Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>
    });
    let patient = WriteTimeout { stream, client: Arc::clone(&client), limit: limits.write_time, stuck: None };
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(HEAD)
        // A client may close its sending side before it has its answer.
        .half_close(true)
        .serve_connection(TokioIo::new(patient), service);
    let (mut stopping, mut dismissed) = (false, false);
    let ended = loop {
        tokio::select! {
            ended = poll_fn(|context| {
                let ended = connection.poll_without_shutdown(context);
                // A request that has arrived completely is answered even then.
                match ended {
                    Poll::Pending if dismissed && client.phase() == Phase::Head => Poll::Ready(None),
                    ended => ended.map(Some),
                }
            }) => break ended,
            () = asked.wait(), if !stopping => {
                stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            () = client.dismissal(), if !dismissed => {
                dismissed = true;
                // The client accepts nothing of its answer.
                if client.phase() == Phase::Sending {
                    break None;
                }
            }
        }
    };
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner().stream;
    let is_slow = match ended {
        Some(ended) => ended.is_err_and(|error| error.is_timeout()),
        None => client.phase() == Phase::Head,
    };
    let farewell = async {
        // A client that sent nothing since its last answer was not slow.
        if is_slow && !parts.read_buf.is_empty() {
            stream.write_all(slow_head().as_bytes()).await?;
        }
        stream.shutdown().await
    };
    // A client that does not accept it is gone.
    let _ = timeout(Duration::from_secs(1), farewell).await;
}

/// Stream whose writes fail if the client accepts nothing for too long.
struct WriteTimeout {
    stream: TcpStream,
    client: Arc<Client>,
    limit: Duration,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl WriteTimeout {
    fn unless_stuck<T>(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.stuck = None;
            self.client.made_progress();
            return done;
        }
        let limit = self.limit;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(limit)));
        stuck.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for WriteTimeout {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if into.filled().len() > before {
            self.client.made_progress();
        }
        read
    }
}

impl AsyncWrite for WriteTimeout {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.unless_stuck(context, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.unless_stuck(context, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_flush(context);
        if let Poll::Ready(Ok(())) = done {
            self.client.has_sent();
        }
        self.unless_stuck(context, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_farewell_is_as_long_as_it_says() {
        let text = slow_head();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
    }
}
