//! Lets the WebRTC library run its tasks through the life cycle, so that each is known by name and waited for.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
};

use crate::runtime::lifecycle::Lifecycle;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Tokio with tracked tasks.
#[derive(Debug)]
pub(super) struct Tracked {
    lifecycle: Lifecycle,
    tokio: TokioRuntime,
}

impl Tracked {
    pub(super) fn new(lifecycle: Lifecycle) -> Arc<Self> {
        Arc::new(Self {
            lifecycle,
            tokio: TokioRuntime,
        })
    }
}

struct Task(AbortHandle);

impl JoinHandle for Task {
    fn detach(&self) {}

    fn abort(&self) {
        self.0.abort();
    }

    fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl Runtime for Tracked {
    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        Box::new(Task(self.lifecycle.spawn("webrtc", future).abort_handle()))
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        self.tokio.wrap_udp_socket(socket)
    }

    fn wrap_tcp_listener(&self, listener: TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.tokio.wrap_tcp_listener(listener)
    }

    fn connect_tcp(&self, remote_addr: SocketAddr) -> Boxed<'_, io::Result<Arc<dyn AsyncTcpStream>>> {
        self.tokio.connect_tcp(remote_addr)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        self.tokio.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        self.tokio.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.tokio.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.tokio.block_on(future);
    }

    fn yield_now(&self) -> Boxed<'static, ()> {
        self.tokio.yield_now()
    }
}
