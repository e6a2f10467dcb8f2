//! A port that is bound, so that clients wait instead of being refused. Takes no connection.

use std::net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs};

use tokio::net::TcpListener;

use crate::failure::{Failure, Kind};

/// A bound port.
pub(crate) struct Listener {
    socket: StdListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds a port.
    ///
    /// # Errors
    /// Not an address, or one that is taken.
    pub(crate) fn bind(listen: &str) -> Result<Self, Failure> {
        let failed = |err: std::io::Error| {
            Failure::new(
                Kind::Remote,
                format!("cannot listen on `{listen}`"),
                "name a free address and port of this machine with `--listen HOST:PORT`",
            )
            .caused_by(err)
        };
        let addresses: Vec<SocketAddr> = listen.to_socket_addrs().map_err(failed)?.collect();
        let socket = StdListener::bind(addresses.as_slice()).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address })
    }

    /// The address, with the port that the system chose if 0 was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The socket in the runtime that this is called in.
    pub(crate) fn into_tokio(self) -> Result<TcpListener, Failure> {
        TcpListener::from_std(self.socket)
            .map_err(|err| Failure::bug("cannot wait on the port").caused_by(err))
    }
}
