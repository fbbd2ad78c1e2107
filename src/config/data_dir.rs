//! Where the server keeps its data.

use std::path::{Path, PathBuf};

use super::error::ConfigError;

/// The variables that name the data directory, the stronger first; the second is an alias for users of `broodlink`.
const VARIABLES: [&str; 2] = ["WARDROOM_DATA_DIR", "BROODLINK_DATA_DIR"];

/// The absolute path of the data directory: the flag's, else `WARDROOM_DATA_DIR`, else `BROODLINK_DATA_DIR`, else
/// `.wardroom` in `HOME`. A variable that is set to nothing counts as not set. Nothing is created.
///
/// # Errors
///
/// [`ConfigError::NoHome`] when nothing names a directory, [`ConfigError::DataDirectory`] when the name is empty or the
/// working directory, to which it is relative, is gone.
pub fn resolve(flag: Option<&Path>, environment: &[(String, String)]) -> Result<PathBuf, ConfigError> {
    let variable = |wanted: &str| {
        environment
            .iter()
            .find(|(name, value)| name == wanted && !value.is_empty())
            .map(|(_, value)| PathBuf::from(value))
    };
    let directory = flag
        .map(Path::to_path_buf)
        .or_else(|| VARIABLES.into_iter().find_map(variable))
        .or_else(|| variable("HOME").map(|home| home.join(".wardroom")))
        .ok_or(ConfigError::NoHome)?;
    std::path::absolute(&directory).map_err(|source| ConfigError::DataDirectory {
        path: directory,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_source_names_the_directory() {
        let all = [
            ("HOME", "/h"),
            ("BROODLINK_DATA_DIR", "/b"),
            ("WARDROOM_DATA_DIR", "/w"),
        ];
        for (flag, environment, expected) in [
            (Some("/f"), &all[..], "/f"),
            (None, &all, "/w"),
            (None, &all[..2], "/b"),
            (None, &all[..1], "/h/.wardroom"),
            (None, &[("HOME", "/h"), ("WARDROOM_DATA_DIR", "")], "/h/.wardroom"),
            (None, &[("WARDROOM_DATA_DIR", ""), ("BROODLINK_DATA_DIR", "/b")], "/b"),
        ] {
            let environment: Vec<_> = environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            let directory = resolve(flag.map(Path::new), &environment).expect("resolved");
            assert_eq!(directory, Path::new(expected), "{flag:?} {environment:?}");
        }
    }

    #[test]
    fn a_relative_directory_is_made_absolute() {
        let directory = resolve(Some(Path::new("data")), &[]).expect("resolved");
        assert!(
            directory.is_absolute() && directory.ends_with("data"),
            "{}",
            directory.display()
        );
    }

    #[test]
    fn without_a_home_a_directory_must_be_named() {
        assert!(matches!(resolve(None, &[]), Err(ConfigError::NoHome)));
        assert!(matches!(
            resolve(Some(Path::new("")), &[]),
            Err(ConfigError::DataDirectory { .. })
        ));
    }
}
