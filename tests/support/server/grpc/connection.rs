//! HTTP/2 and gRPC's framing as far as the scripted server needs them.

use std::io::Read as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::read::GzDecoder;
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tonic::Code;

use super::super::super::time::now;
use super::super::request::Route;
use super::{Act, Call, Refusal, Shared};

/// Compression flag and length.
const PREFIX: usize = 5;
/// No message waits for the window to open.
const WINDOW: u32 = 64 * 1024 * 1024;

/// How a call ends the connection it came on.
enum End {
    Close,
    GoAway,
}

/// A call whose answer is still to come.
struct Open {
    respond: SendResponse<Bytes>,
    end: UnboundedSender<End>,
}

/// Serves the connection until either side ends it.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, number: usize) {
    let mut orders = shared.orders.subscribe();
    let at_start = orders.borrow_and_update().clone();
    let mut builder = Builder::new();
    builder.initial_window_size(WINDOW).initial_connection_window_size(WINDOW);
    let Ok(mut connection) = builder.handshake(stream).await else { return };
    let (end, mut ended) = unbounded_channel();
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(Ok((request, respond))) = accepted else { return };
                let open = Open { respond, end: end.clone() };
                tokio::spawn(answer(Arc::clone(&shared), request, open, number));
            }
            Some(end) = ended.recv() => match end {
                End::Close => return,
                End::GoAway => connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM),
            },
            _ = orders.changed() => {
                let orders = orders.borrow_and_update();
                if orders.closing || orders.closed != at_start.closed {
                    return;
                }
                if orders.gone_away != at_start.gone_away {
                    connection.graceful_shutdown();
                }
            }
        }
    }
}

/// Tells the server that its task panicked: its runtime keeps that to itself.
struct Watch(Arc<Shared>);

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().panicked = true;
        }
    }
}

/// `None` when the client has broken the call off.
async fn answer(
    shared: Arc<Shared>,
    request: Request<RecvStream>,
    mut open: Open,
    connection: usize,
) -> Option<()> {
    let watch = Watch(Arc::clone(&shared));
    let (head, mut body) = request.into_parts();
    let mut bytes = Vec::new();
    let mut refusal = None;
    while let Some(chunk) = body.data().await {
        let chunk = chunk.ok()?;
        body.flow_control().release_capacity(chunk.len()).ok()?;
        bytes.extend_from_slice(&chunk);
        refusal = refusal.or_else(|| shared.lock().too_long(announced(&bytes)?));
        // As real servers do, with the rest of the message still to come.
        if refusal.is_some() {
            break;
        }
    }
    let mut call = Call {
        route: Route::Spans,
        head,
        message: Vec::new(),
        sent_bytes: announced(&bytes).unwrap_or_default(),
        compressed: bytes.first() == Some(&1),
        connection,
        code: None,
        at: now(),
    };
    let act = if let Some(refusal) = refusal {
        Act::Refuse(refusal)
    } else {
        call.message = unpacked(&call, &bytes);
        // A message without spans is how the sender looks at a receiver.
        if call.message.is_empty() {
            call.route = Route::Setup;
        }
        shared.decide(&call)
    };
    call.code = act.code();
    let index = shared.record(call);
    let done = perform(&shared, act, &mut open, index).await;
    drop(watch);
    done
}

/// Length of the message that has begun to come.
fn announced(bytes: &[u8]) -> Option<usize> {
    let length: [u8; 4] = bytes.get(1..PREFIX)?.try_into().unwrap();
    Some(u32::from_be_bytes(length).try_into().unwrap())
}

fn unpacked(call: &Call, bytes: &[u8]) -> Vec<u8> {
    let message = &bytes[PREFIX..];
    assert_eq!(message.len(), call.sent_bytes, "a call carries one message");
    if !call.compressed {
        return message.to_vec();
    }
    assert_eq!(call.metadata("grpc-encoding"), Some("gzip"));
    let mut unpacked = Vec::new();
    GzDecoder::new(message).read_to_end(&mut unpacked).unwrap();
    unpacked
}

async fn perform(shared: &Shared, act: Act, open: &mut Open, index: usize) -> Option<()> {
    match act {
        Act::Answer(message) => accept(open, Some(&message)),
        Act::AnswerNothing => accept(open, None),
        Act::Break => {
            let mut stream = open.headers()?;
            // Announces more than comes.
            stream.send_data(Bytes::from_static(&[0, 0, 0, 0, 9, 1]), false).ok()?;
            // Lets the connection send what it was given.
            tokio::task::yield_now().await;
            open.end.send(End::Close).ok()
        }
        Act::Close => open.end.send(End::Close).ok(),
        Act::GoAway => open.end.send(End::GoAway).ok(),
        Act::Hold => {
            let mut orders = shared.orders.subscribe();
            let closing = orders.wait_for(|orders| orders.released || orders.closing).await;
            if closing.ok()?.closing {
                return None;
            }
            shared.lock().calls[index].code = Some(Code::Ok);
            accept(open, Some(&[]))
        }
        Act::Http(status, body) => {
            let head = Response::builder().status(status).header("content-type", "text/html");
            let head = head.body(()).unwrap();
            let mut stream = open.respond.send_response(head, body.is_empty()).ok()?;
            if body.is_empty() {
                return Some(());
            }
            stream.send_data(Bytes::from_static(body.as_bytes()), true).ok()
        }
        Act::Refuse(refusal) if refusal.trailers_only => {
            let mut head = grpc_head();
            head.headers_mut().extend(trailers(&refusal));
            open.respond.send_response(head, true).ok().map(drop)
        }
        Act::Refuse(refusal) => open.headers()?.send_trailers(trailers(&refusal)).ok(),
        Act::Reset(reason) => {
            open.respond.send_reset(reason);
            Some(())
        }
    }
}

impl Open {
    fn headers(&mut self) -> Option<SendStream<Bytes>> {
        self.respond.send_response(grpc_head(), false).ok()
    }
}

fn accept(open: &mut Open, message: Option<&[u8]>) -> Option<()> {
    let mut stream = open.headers()?;
    if let Some(message) = message {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let framed = [&[0], length.as_slice(), message].concat();
        stream.send_data(framed.into(), false).ok()?;
    }
    stream.send_trailers(trailers(&Refusal::new(Code::Ok, ""))).ok()
}

fn grpc_head() -> Response<()> {
    Response::builder().header("content-type", "application/grpc").body(()).unwrap()
}

fn trailers(refusal: &Refusal) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", i32::from(refusal.code).into());
    let mut add = |name: &'static str, value: &str| {
        trailers.insert(name, HeaderValue::from_str(value).unwrap());
    };
    if !refusal.message.is_empty() {
        let encoded = utf8_percent_encode(&refusal.message, NON_ALPHANUMERIC).to_string();
        add("grpc-message", &encoded);
    }
    if let Some(details) = &refusal.details {
        add("grpc-status-details-bin", details);
    }
    trailers
}
