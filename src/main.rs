//! The `wardroom` program. Everything it does is in the library.

use std::process::ExitCode;

/// What one thread allocates another one frees, for every message: the system's allocator spends a tenth of the server's
/// time on that, and keeps what a crowd of newcomers needed for a moment.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    wardroom::cli::run()
}
