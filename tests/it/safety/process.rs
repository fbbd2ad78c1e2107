//! What the server's process uses, as the kernel counts it.

use std::fs;

use crate::support::TestServer;

/// A mebibyte.
pub const MIB: u64 = 1 << 20;

/// Resident memory, in bytes.
pub fn resident(server: &TestServer) -> u64 {
    status(server, "VmRSS:")
}

/// The most resident memory since the last [`forget_peak`], in bytes.
pub fn peak(server: &TestServer) -> u64 {
    status(server, "VmHWM:")
}

/// Lets [`peak`] begin anew.
pub fn forget_peak(server: &TestServer) {
    fs::write(format!("/proc/{}/clear_refs", server.pid()), "5").expect("the kernel resets the peak");
}

fn status(server: &TestServer, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let line = text.lines().find(|line| line.starts_with(field)).expect("a field");
    let kib = line.split_whitespace().nth(1).expect("a number");
    kib.parse::<u64>().expect("a number") * 1024
}

/// Open file descriptors.
pub fn descriptors(server: &TestServer) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.pid()))
        .expect("it runs")
        .count()
}

/// Processor time used so far, in ticks of 10 ms.
pub fn ticks(server: &TestServer) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("it runs");
    let fields: Vec<&str> = text.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let number = |index: usize| fields[index].parse::<u64>().expect("a number");
    number(11) + number(12)
}

/// The size of a test from the environment, for longer runs.
pub fn size(name: &str, default: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "the sizes of tests are no configuration")]
    let given = std::env::var(format!("WARDROOM_TEST_{name}")).ok();
    given.map_or(default, |given| given.parse().expect("a number"))
}
