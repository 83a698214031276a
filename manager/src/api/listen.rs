//! Taking the address to listen on, and saying who has it when somebody has.

use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Other machines could reach it.
    #[error(
        "will not listen on {address}: there is no password yet, so whoever reaches it could pull the rack's levers; listen on 127.0.0.1:{port}, and look in from another machine through ssh -L {port}:127.0.0.1:{port} HOST",
        port = Some(address.port()).filter(|port| *port != 0).unwrap_or(8088)
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// Another program listens there.
    #[error(
        "cannot listen on {address}: {holder} has this port; end that program, or pass --listen 127.0.0.1:0 for any free port"
    )]
    InUse {
        /// The address.
        address: SocketAddr,
        /// Who has it.
        holder: Holder,
    },
    /// The kernel refused for another reason.
    #[error(
        "cannot listen on {address}: pass --listen with an address of this machine and a port above 1023"
    )]
    Refused {
        /// The address.
        address: SocketAddr,
        /// The kernel's reason.
        #[source]
        source: io::Error,
    },
}

/// The program that has a port, as far as the kernel tells us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder(Option<(u32, String)>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some((pid, name)) => write!(f, "{name} (process {pid})"),
            None => f.write_str("another user's program"),
        }
    }
}

/// Listens on an address of this machine's loopback; port 0 takes any that is free.
///
/// # Errors
/// When other machines could reach the address, or it is taken or refused; says by whom where the kernel
/// tells.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    if !is_this_machines_alone(address) {
        return Err(BindError::Open { address });
    }
    bind_guarded(address)
}

/// Listens on any address: for an interface that wants a token where other machines reach it.
///
/// # Errors
/// When the address is taken or refused.
pub fn bind_guarded(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address, holder: holder(address.port()) },
        _ => BindError::Refused { address, source },
    })
}

fn is_this_machines_alone(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Finds the program by the kernel's table of sockets and the programs' open files. Other users'
/// programs keep theirs to themselves, unless root asks.
fn holder(port: u16) -> Holder {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let sockets: Vec<String> = tables.iter().flat_map(|table| listening_sockets(table, port)).collect();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut targets = files.filter_map(|file| fs::read_link(file.path()).ok());
        if targets.any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str())) {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            return Holder(Some((pid, name.trim().to_owned())));
        }
    }
    Holder(None)
}

/// The sockets that listen on a port, as `/proc/PID/fd` names them. Columns as in `proc_net_tcp(5)`:
/// local address in hexadecimal, state `0A` for listening, the inode as tenth.
fn listening_sockets(table: &str, port: u16) -> Vec<String> {
    let local = format!(":{port:04X}");
    let mut found = Vec::new();
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let [_, address, _, "0A", _, _, _, _, _, inode, ..] = fields[..]
            && address.ends_with(&local)
        {
            found.push(format!("socket:[{inode}]"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_names_the_program_and_the_remedy() {
        let taken = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = bind(taken.local_addr().unwrap()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("(process {})", std::process::id())), "{text}");
        assert!(text.contains("--listen 127.0.0.1:0"), "{text}");
    }

    #[test]
    fn an_address_that_other_machines_reach_is_refused_with_the_way_round() {
        for open in ["0.0.0.0:8088", "[::]:8088", "192.0.2.1:8088", "[::ffff:192.0.2.1]:8088"] {
            let error = bind(open.parse().unwrap()).unwrap_err();
            assert!(matches!(error, BindError::Open { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains(open) && text.contains("ssh -L 8088:127.0.0.1:8088"), "{text}");
        }
        assert!(is_this_machines_alone("[::1]:0".parse().unwrap()));
    }

    #[test]
    fn only_the_listening_socket_of_that_port_counts() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 20 4 30 10 -1
   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
";
        assert_eq!(listening_sockets(table, 8080), ["socket:[4711]"]);
        assert!(listening_sockets(table, 80).is_empty());
    }
}
