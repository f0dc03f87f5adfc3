//! The files of a cluster on one machine, and the command lines of its processes.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use process::entropy::{Entropy, SystemEntropy};

use crate::program::Program;

/// The gateway's program.
const GATEWAY: &str = "gateway";

/// The program of each node.
const NODE: &str = "db_process";

/// A cluster on one machine.
///
/// ```text
///   DIRECTORY/secret     shared by all processes
///   DIRECTORY/gateway/   the cluster's state
///   DIRECTORY/db-0/ ...  the users, unless they are in memory
/// ```
#[derive(Debug, Clone)]
pub struct Layout {
    /// The directory of the cluster.
    pub directory: PathBuf,
    /// The directory of the programs.
    pub programs: PathBuf,
    /// The number of nodes.
    pub nodes: usize,
    /// Where the nodes keep the users.
    pub users: Users,
    /// The address of every port; none for the default of the programs, the loopback address.
    pub address: Option<Ipv4Addr>,
    /// The gateway's port of REST.
    pub rest_port: u16,
    /// The gateway's port of links.
    pub socket_port: u16,
}

/// Where the nodes keep the users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Users {
    /// In the cluster's directory.
    OnDisk,
    /// In the memory of the processes.
    InMemory,
}

/// The id of a node.
pub fn node_id(node: usize) -> String {
    format!("db-{node}")
}

impl Layout {
    /// A cluster with its users on disk, on the default address and ports.
    pub fn new(directory: PathBuf, programs: PathBuf, nodes: usize) -> Self {
        let (users, address) = (Users::OnDisk, None);
        Self { directory, programs, nodes, users, address, rest_port: 3001, socket_port: 3002 }
    }

    /// Creates a secret readable only by this user, unless the file exists.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn make_secret(&self) -> io::Result<()> {
        let path = self.secret();
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => writeln!(file, "{}", SystemEntropy.uuid().simple()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The first program not found in the directory of the programs.
    pub fn missing_program(&self) -> Option<&'static str> {
        [GATEWAY, NODE].into_iter().find(|program| !self.programs.join(program).is_file())
    }

    /// The file of the secret.
    pub fn secret(&self) -> PathBuf {
        self.directory.join("secret")
    }

    /// The directory of the gateway's state.
    pub fn state(&self) -> PathBuf {
        self.directory.join("gateway")
    }

    /// The data directory of a node.
    pub fn data(&self, node: usize) -> PathBuf {
        self.directory.join(node_id(node))
    }

    /// The gateway's command line.
    pub fn gateway(&self) -> Program {
        let ids = (0..self.nodes).map(node_id).collect::<Vec<_>>().join(",");
        let gateway = self
            .program("gateway", GATEWAY)
            .with("--nodes", ids)
            .with("--state", self.state().display())
            .with("--rest-port", self.rest_port)
            .with("--socket-port", self.socket_port);
        match self.address {
            Some(address) => gateway.with("--listen", address),
            None => gateway,
        }
    }

    /// A node's command line.
    pub fn node(&self, node: usize) -> Program {
        let id = node_id(node);
        let program =
            self.program(&id, NODE).with("--node-id", &id).with("--gateway", self.socket_address());
        let program = match self.address {
            Some(address) => program.with("--listen", SocketAddr::from((address, 0))),
            None => program,
        };
        match self.users {
            Users::OnDisk => program.with("--data", self.data(node).display()),
            Users::InMemory => program.and(["--memory"]),
        }
    }

    /// The address of REST.
    pub fn rest_address(&self) -> SocketAddr {
        SocketAddr::from((self.address.unwrap_or(Ipv4Addr::LOCALHOST), self.rest_port))
    }

    /// The address of the gateway's port of links.
    pub fn socket_address(&self) -> SocketAddr {
        SocketAddr::from((self.address.unwrap_or(Ipv4Addr::LOCALHOST), self.socket_port))
    }

    fn program(&self, name: &str, program: &str) -> Program {
        Program::new(name, self.programs.join(program))
            .with("--secret-file", self.secret().display())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn layout(directory: PathBuf) -> Layout {
        Layout::new(directory, PathBuf::from("/programs"), 2)
    }

    #[test]
    fn a_secret_is_made_once_and_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let layout = layout(directory.path().to_owned());
        layout.make_secret().unwrap();
        let secret = fs::read_to_string(layout.secret()).unwrap();
        assert_eq!(secret.trim().len(), 32);
        let mode = fs::metadata(layout.secret()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        layout.make_secret().unwrap();
        assert_eq!(fs::read_to_string(layout.secret()).unwrap(), secret);
    }

    #[test]
    fn each_process_has_its_own_directory_and_all_have_one_secret() {
        let kept = layout(PathBuf::from("/data"));
        assert_eq!(
            kept.gateway().arguments().join(" "),
            "--secret-file /data/secret --nodes db-0,db-1 --state /data/gateway --rest-port 3001 \
             --socket-port 3002"
        );
        let passing = Layout {
            users: Users::InMemory,
            address: Some(Ipv4Addr::new(127, 0, 0, 9)),
            ..kept.clone()
        };
        assert_eq!(
            kept.node(1).arguments().join(" "),
            "--secret-file /data/secret --node-id db-1 --gateway 127.0.0.1:3002 --data /data/db-1"
        );
        assert_eq!(
            passing.node(1).arguments().join(" "),
            "--secret-file /data/secret --node-id db-1 --gateway 127.0.0.9:3002 --listen \
             127.0.0.9:0 --memory"
        );
        assert_eq!(kept.missing_program(), Some("gateway"));
    }
}
