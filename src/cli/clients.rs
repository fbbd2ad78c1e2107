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

/// Every file that users of the libraries need: no tests, and nothing that tools leave in a working tree. The list is
/// written out because the folders of a working tree hold both; a test compares it with them.
const FILES: &[(&str, &[u8])] = embedded![];

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
    const LEFT_OUT: [&str; 8] =
        ["tests", "test", "node_modules", "__pycache__", "build", "package-lock.json", "uv.lock", "coverage"];

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
