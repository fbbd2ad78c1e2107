//! The client libraries inside the program, and how they get into a data directory.

use std::fs;
use std::io;
use std::path::Path;

use super::files::{PRIVATE, create_private_directory, write_atomically};

/// Lists files of `clients/` with their content.
macro_rules! embedded {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../clients/", $path)).as_slice())),*]
    };
}

/// Every file that users of the libraries need: what package managers would install, with the guides; no tests, no sources
/// of built files, and nothing that tools leave in a working tree. The list is written out because the folders of a
/// working tree hold all of these; a test compares it with them.
const FILES: &[(&str, &[u8])] = embedded![
    "python/README.md",
    "python/broodlink_client/__init__.py",
    "python/broodlink_client/py.typed",
    "python/pyproject.toml",
    "python/wardroom_client/__init__.py",
    "python/wardroom_client/bridge.py",
    "python/wardroom_client/bridge_http.py",
    "python/wardroom_client/bridge_types.py",
    "python/wardroom_client/client.py",
    "python/wardroom_client/connection.py",
    "python/wardroom_client/dispatch.py",
    "python/wardroom_client/errors.py",
    "python/wardroom_client/following.py",
    "python/wardroom_client/iteration.py",
    "python/wardroom_client/keys.py",
    "python/wardroom_client/methods.py",
    "python/wardroom_client/options.py",
    "python/wardroom_client/peer_methods.py",
    "python/wardroom_client/py.typed",
    "python/wardroom_client/reading.py",
    "python/wardroom_client/receipt_methods.py",
    "python/wardroom_client/reconnect.py",
    "python/wardroom_client/results.py",
    "python/wardroom_client/task_methods.py",
    "python/wardroom_client/retry.py",
    "python/wardroom_client/streams.py",
    "python/wardroom_client/types.py",
    "typescript/README.md",
    "typescript/broodlink_client.d.ts",
    "typescript/broodlink_client.js",
    "typescript/lib/agent_types.d.ts",
    "typescript/lib/agent_types.js",
    "typescript/lib/backoff.d.ts",
    "typescript/lib/backoff.js",
    "typescript/lib/bridge.d.ts",
    "typescript/lib/bridge.js",
    "typescript/lib/bridge_types.d.ts",
    "typescript/lib/bridge_types.js",
    "typescript/lib/calls.d.ts",
    "typescript/lib/calls.js",
    "typescript/lib/client.d.ts",
    "typescript/lib/client.js",
    "typescript/lib/connection.d.ts",
    "typescript/lib/connection.js",
    "typescript/lib/enrol.d.ts",
    "typescript/lib/enrol.js",
    "typescript/lib/errors.d.ts",
    "typescript/lib/errors.js",
    "typescript/lib/events.d.ts",
    "typescript/lib/events.js",
    "typescript/lib/following.d.ts",
    "typescript/lib/following.js",
    "typescript/lib/heartbeat.d.ts",
    "typescript/lib/heartbeat.js",
    "typescript/lib/host.d.ts",
    "typescript/lib/host.js",
    "typescript/lib/iteration.d.ts",
    "typescript/lib/iteration.js",
    "typescript/lib/keys.d.ts",
    "typescript/lib/keys.js",
    "typescript/lib/methods.d.ts",
    "typescript/lib/methods.js",
    "typescript/lib/pauses.d.ts",
    "typescript/lib/pauses.js",
    "typescript/lib/peer_types.d.ts",
    "typescript/lib/peer_types.js",
    "typescript/lib/peers.d.ts",
    "typescript/lib/peers.js",
    "typescript/lib/position_types.d.ts",
    "typescript/lib/position_types.js",
    "typescript/lib/receipts.d.ts",
    "typescript/lib/receipts.js",
    "typescript/lib/retry.d.ts",
    "typescript/lib/retry.js",
    "typescript/lib/settings.d.ts",
    "typescript/lib/settings.js",
    "typescript/lib/streams.d.ts",
    "typescript/lib/streams.js",
    "typescript/lib/task_types.d.ts",
    "typescript/lib/task_types.js",
    "typescript/lib/tasks.d.ts",
    "typescript/lib/tasks.js",
    "typescript/lib/types.d.ts",
    "typescript/lib/types.js",
    "typescript/package.json",
    "typescript/wardroom_client.d.ts",
    "typescript/wardroom_client.js",
];

/// Writes the libraries below `directory` and gives the number of files. Files of the same names are replaced, others stay.
pub(super) fn install(directory: &Path) -> io::Result<usize> {
    create_private_directory(directory)?;
    for (name, content) in FILES {
        let path = directory.join(name);
        if fs::read(&path).is_ok_and(|present| present == *content) {
            continue;
        }
        if let Some(parent) = path.parent() {
            create_private_directory(parent)?;
        }
        write_atomically(&path, content, PRIVATE)?;
    }
    Ok(FILES.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Folders and files of the working tree that are not part of the libraries.
    const LEFT_OUT: [&str; 9] = [
        "tests",
        "src",
        "scripts",
        "node_modules",
        "__pycache__",
        "build",
        "tsconfig.json",
        "package-lock.json",
        "uv.lock",
    ];

    fn collect(directory: &Path, prefix: &str, names: &mut BTreeSet<String>) {
        for entry in fs::read_dir(directory).expect("readable") {
            let entry = entry.expect("readable");
            let name = entry.file_name().into_string().expect("UTF-8");
            if name.starts_with('.') || name.ends_with(".egg-info") || LEFT_OUT.contains(&name.as_str()) {
                continue;
            }
            let path = format!("{prefix}{name}");
            if entry.file_type().expect("readable").is_dir() {
                collect(&entry.path(), &format!("{path}/"), names);
            } else {
                names.insert(path);
            }
        }
    }

    #[test]
    fn the_list_is_what_the_working_tree_holds() {
        let mut expected = BTreeSet::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
        collect(&root, "", &mut expected);
        let listed: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(listed, expected);
    }

    #[test]
    fn files_are_replaced_and_others_stay() {
        let directory = tempfile::tempdir().expect("a directory");
        let target = directory.path().join("clients");
        let count = install(&target).expect("written");
        assert_eq!(count, FILES.len());
        let (name, content) = FILES[0];
        fs::write(target.join(name), "changed").expect("written");
        fs::write(target.join("mine.txt"), "mine").expect("written");
        install(&target).expect("written");
        assert_eq!(fs::read(target.join(name)).expect("there"), content);
        assert_eq!(fs::read(target.join("mine.txt")).expect("there"), b"mine");
    }
}
