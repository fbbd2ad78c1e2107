//! Looks which ways to other agents there are here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{UdpSocket, lookup_host};
use tokio::time::timeout;

use crate::runtime::clock::Entropy;
use crate::runtime::lifecycle::Lifecycle;

use super::runtime::Tracked;
use super::transport::{Setup, Transport};
use super::{IceServer, LinkLimits};

/// The fixed part of every STUN message (RFC 8489).
const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER_BYTES: usize = 20;

/// Questions to a server before it counts as silent: a datagram may be lost.
const QUESTIONS: u32 = 3;

/// Where other agents may reach this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// Addresses of this machine.
    pub own: Vec<String>,
    /// Addresses at which a translator shows this machine; STUN servers told them.
    pub translated: Vec<String>,
    /// Addresses at relays.
    pub relayed: Vec<String>,
}

/// Gathers candidates as a link does, for at most `patience`.
///
/// # Errors
///
/// Why WebRTC does not start here.
pub async fn ways(ice_servers: Vec<IceServer>, lifecycle: &Lifecycle, patience: Duration) -> Result<Ways, String> {
    let setup = Setup {
        runtime: Tracked::new(lifecycle.clone()),
        ice_servers,
        limits: LinkLimits::default(),
    };
    let (transport, mut happenings, _) = Transport::offer(&setup).await.map_err(|error| error.to_string())?;
    let mut found = Ways::default();
    let gathering = async {
        loop {
            tokio::select! {
                biased;
                Some(candidate) = happenings.candidates.recv() => found.add(&candidate),
                // All that was found before is read before.
                _ = happenings.gathered.wait_for(|gathered| *gathered) => return,
            }
        }
    };
    // What was found until then is what there is.
    drop(timeout(patience, gathering).await);
    transport.close().await;
    Ok(found)
}

impl Ways {
    fn add(&mut self, candidate: &str) {
        let parts: Vec<&str> = candidate.split_ascii_whitespace().collect();
        let [_, _, _, _, address, port, "typ", kind, ..] = parts[..] else {
            return;
        };
        let list = match kind {
            "host" => &mut self.own,
            "relay" => &mut self.relayed,
            _ => &mut self.translated,
        };
        let shown = if address.contains(':') {
            format!("[{address}]:{port}")
        } else {
            format!("{address}:{port}")
        };
        if !list.contains(&shown) {
            list.push(shown);
        }
    }
}

/// What a STUN server said of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The server, without credentials.
    pub server: String,
    /// The address that it sees, or why there is none.
    pub seen: Result<SocketAddr, String>,
}

/// Asks each server that speaks plain STUN over UDP where it sees one socket of this machine. Servers that see different
/// ports mean a translator that gives every destination its own: a peer behind another one of that kind cannot be reached
/// without a relay.
pub async fn mapped(ice_servers: &[IceServer], entropy: &dyn Entropy, patience: Duration) -> Vec<Mapped> {
    let mut sockets: BTreeMap<bool, UdpSocket> = BTreeMap::new();
    let mut answers = Vec::new();
    for server in ice_servers {
        let Some(place) = server
            .url
            .strip_prefix("stun:")
            .or_else(|| server.url.strip_prefix("turn:"))
        else {
            continue;
        };
        let place = place.split('?').next().unwrap_or_default();
        let seen = ask(place, &mut sockets, entropy, patience).await;
        answers.push(Mapped {
            server: server.describe().to_owned(),
            seen,
        });
    }
    answers
}

async fn ask(
    place: &str,
    sockets: &mut BTreeMap<bool, UdpSocket>,
    entropy: &dyn Entropy,
    patience: Duration,
) -> Result<SocketAddr, String> {
    let found = timeout(patience, lookup_host(place))
        .await
        .map_err(|_| "its name is not found in time".to_owned())?;
    let found = found.map_err(|error| format!("its name is not found: {error}"))?;
    let server = found.min_by_key(SocketAddr::is_ipv6).ok_or("its name has no address")?;
    let is_v6 = server.is_ipv6();
    if let std::collections::btree_map::Entry::Vacant(free) = sockets.entry(is_v6) {
        let any = if is_v6 { "[::]:0" } else { "0.0.0.0:0" };
        free.insert(UdpSocket::bind(any).await.map_err(|error| error.to_string())?);
    }
    let socket = sockets.get(&is_v6).ok_or("no socket")?;
    let mut id = [0; 12];
    entropy.fill(&mut id).map_err(|error| error.to_string())?;
    let question = question(id);
    for _ in 0..QUESTIONS {
        socket
            .send_to(&question, server)
            .await
            .map_err(|error| error.to_string())?;
        if let Ok(answer) = timeout(patience / QUESTIONS, answer(socket, server, id)).await {
            return answer;
        }
    }
    Err("no answer; UDP may be blocked".to_owned())
}

fn question(id: [u8; 12]) -> [u8; HEADER_BYTES] {
    let mut question = [0; HEADER_BYTES];
    question[1] = 1;
    question[4..8].copy_from_slice(&MAGIC);
    question[8..].copy_from_slice(&id);
    question
}

async fn answer(socket: &UdpSocket, server: SocketAddr, id: [u8; 12]) -> Result<SocketAddr, String> {
    let mut buffer = [0; 1500];
    loop {
        let (bytes, from) = socket.recv_from(&mut buffer).await.map_err(|error| error.to_string())?;
        let datagram = &buffer[..bytes];
        if from == server && datagram.get(4..8) == Some(&MAGIC[..]) && datagram.get(8..HEADER_BYTES) == Some(&id[..]) {
            return mapped_address(datagram, id).ok_or_else(|| "its answer is not understood".to_owned());
        }
    }
}

/// The address in an answer: the attribute `XOR-MAPPED-ADDRESS`, else `MAPPED-ADDRESS`.
fn mapped_address(datagram: &[u8], id: [u8; 12]) -> Option<SocketAddr> {
    let mut rest = datagram.get(HEADER_BYTES..)?;
    let mut plain = None;
    while let [a, b, c, d, after @ ..] = rest {
        let (kind, bytes) = (u16::from_be_bytes([*a, *b]), usize::from(u16::from_be_bytes([*c, *d])));
        let value = after.get(..bytes)?;
        match kind {
            0x0020 => return read_address(value, Some(id)),
            0x0001 => plain = read_address(value, None),
            _ => {}
        }
        rest = after.get(bytes.next_multiple_of(4)..).unwrap_or_default();
    }
    plain
}

fn read_address(value: &[u8], id: Option<[u8; 12]>) -> Option<SocketAddr> {
    let [_, family, port_high, port_low, address @ ..] = value else {
        return None;
    };
    let mut mask = [0; 16];
    if let Some(id) = id {
        mask[..4].copy_from_slice(&MAGIC);
        mask[4..].copy_from_slice(&id);
    }
    let port = u16::from_be_bytes([port_high ^ mask[0], port_low ^ mask[1]]);
    let unmasked = |bytes: &mut [u8]| bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    match family {
        1 => {
            let mut bytes: [u8; 4] = address.try_into().ok()?;
            unmasked(&mut bytes);
            Some(SocketAddr::new(bytes.into(), port))
        }
        2 => {
            let mut bytes: [u8; 16] = address.try_into().ok()?;
            unmasked(&mut bytes);
            Some(SocketAddr::new(bytes.into(), port))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;
    use crate::runtime::clock::SystemEntropy;

    /// A STUN server that sees everybody where they are, written by the standard.
    async fn stun_server() -> (IceServer, JoinSet<()>) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let server = format!("stun:{}", socket.local_addr().expect("an address"))
            .parse()
            .expect("a server");
        let task = JoinSet::from_iter([async move {
            let mut buffer = [0; 1500];
            loop {
                let (bytes, from) = socket.recv_from(&mut buffer).await.expect("a question");
                assert_eq!((bytes, &buffer[..4]), (HEADER_BYTES, &[0, 1, 0, 0][..]));
                let SocketAddr::V4(from) = from else { panic!("not IPv4") };
                let mut answer = vec![1, 1, 0, 24];
                answer.extend(&buffer[4..HEADER_BYTES]);
                // An attribute that nobody knows comes first.
                answer.extend([0x80, 0x22, 0, 3, b'a', b'b', b'c', 0]);
                let port = from.port() ^ 0x2112;
                let ip = u32::from(*from.ip()) ^ 0x2112_a442;
                answer.extend([0, 0x20, 0, 8, 0, 1]);
                answer.extend(port.to_be_bytes());
                answer.extend(ip.to_be_bytes());
                socket.send_to(&answer, from).await.expect("sent");
            }
        }]);
        (server, task)
    }

    #[tokio::test]
    async fn servers_tell_where_they_see_one_socket() {
        let ((one, _one), (two, _two)) = (stun_server().await, stun_server().await);
        let relay: IceServer = "turns:127.0.0.1:9:u:p".parse().expect("a server");
        let patience = Duration::from_secs(30);
        let answers = mapped(&[one.clone(), two, relay], &SystemEntropy, patience).await;
        assert_eq!((answers.len(), answers[0].server.as_str()), (2, one.url.as_str()));
        let seen: Vec<SocketAddr> = answers
            .into_iter()
            .map(|answer| answer.seen.expect("an answer"))
            .collect();
        assert!(seen[0].ip().is_loopback() && seen[0] == seen[1], "{seen:?}");
    }

    #[tokio::test]
    async fn a_server_that_is_silent_is_told() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let server: IceServer = format!("stun:{}", silent.local_addr().expect("an address"))
            .parse()
            .expect("a server");
        let answers = mapped(&[server], &SystemEntropy, Duration::from_millis(30)).await;
        let problem = answers[0].seen.clone().expect_err("no answer");
        assert!(problem.contains("UDP"), "{problem}");
    }

    #[test]
    fn answers_that_are_cut_off_are_none() {
        for attributes in [
            &[][..],
            &[0, 0x20],
            &[0, 0x20, 0, 8, 0, 1, 0, 0],
            &[0, 0x20, 0, 4, 0, 1, 0, 0],
            &[0, 0x20, 0, 8, 0, 9, 0, 0, 1, 2, 3, 4],
        ] {
            let mut datagram = vec![0; HEADER_BYTES];
            datagram.extend(attributes);
            assert_eq!(mapped_address(&datagram, [0; 12]), None, "{attributes:?}");
        }
    }

    #[test]
    fn candidates_are_sorted_by_their_kind() {
        let mut ways = Ways::default();
        for line in [
            "a=candidate:1 1 udp 1 10.0.0.1 5 typ host",
            "a=candidate:1 1 udp 1 10.0.0.1 5 typ host",
            "candidate:1 1 udp 1 2001:db8::1 6 typ srflx raddr 10.0.0.1 rport 5",
            "candidate:1 1 udp 1 192.0.2.1 7 typ relay",
            "nonsense",
        ] {
            ways.add(line);
        }
        let expected = Ways {
            own: vec!["10.0.0.1:5".to_owned()],
            translated: vec!["[2001:db8::1]:6".to_owned()],
            relayed: vec!["192.0.2.1:7".to_owned()],
        };
        assert_eq!(ways, expected);
    }
}
