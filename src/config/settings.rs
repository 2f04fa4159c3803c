//! Where values come from: flags, then the environment, then `.env`.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ConfigError, VARIABLES};

/// The values given for the variables, each with the name its giver used.
#[derive(Clone, Default)]
pub struct Settings {
    given: BTreeMap<&'static str, Given>,
}

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) value: String,
    pub(super) named: String,
}

impl Settings {
    /// Reads the process environment and `.env` of the working directory under the flags.
    pub(super) fn gather(flags: &[(&'static str, String)]) -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        settings.put_dot_env(Path::new(".env"))?;
        for variable in VARIABLES {
            #[expect(clippy::disallowed_methods, reason = "this is the only reader")]
            let value = std::env::var(variable.name);
            match value {
                Ok(value) => settings.put(variable.name, variable.name.to_owned(), value),
                Err(std::env::VarError::NotPresent) => {}
                Err(std::env::VarError::NotUnicode(_)) => {
                    return Err(ConfigError::Value {
                        named: variable.name.to_owned(),
                        problem: "is not UTF-8".to_owned(),
                        example: format!("{}={}", variable.name, variable.example),
                    });
                }
            }
        }
        settings.put_flags(flags);
        Ok(settings)
    }

    /// Settings from what is given alone, for embedders and tests: nothing is read.
    #[must_use]
    pub fn from_given(environment: &[(&'static str, &str)], flags: &[(&'static str, String)]) -> Self {
        let mut settings = Self::default();
        for (name, value) in environment {
            settings.put(name, (*name).to_owned(), (*value).to_owned());
        }
        settings.put_flags(flags);
        settings
    }

    /// What is given for the variable; an empty value is none, as `NAME=` in `.env` means unset.
    pub(super) fn get(&self, name: &str) -> Option<&Given> {
        self.given.get(name)
    }

    fn put(&mut self, name: &'static str, named: String, value: String) {
        if value.is_empty() {
            self.given.remove(name);
        } else {
            self.given.insert(name, Given { value, named });
        }
    }

    fn put_flags(&mut self, flags: &[(&'static str, String)]) {
        for (name, value) in flags {
            let flag = VARIABLES.iter().find(|v| v.name == *name).map(|v| v.flag);
            self.put(name, format!("--{}", flag.unwrap_or(name)), value.clone());
        }
    }

    /// `.env` is kept beside the process environment, never written into it. A broken line is told
    /// by the name before it, not by its content, which may be a secret.
    fn put_dot_env(&mut self, path: &Path) -> Result<(), ConfigError> {
        let Ok(entries) = dotenvy::from_path_iter(path) else {
            return Ok(());
        };
        let mut after = "at the beginning".to_owned();
        for entry in entries {
            let Ok((name, value)) = entry else {
                return Err(ConfigError::DotEnv { after });
            };
            if let Some(variable) = VARIABLES.iter().find(|v| v.name == name) {
                self.put(variable.name, format!("{name} (in .env)"), value);
            }
            after = format!("after {name}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_flag_wins_over_the_environment_and_says_so() {
        let settings = Settings::from_given(
            &[("UPSWELL_LISTEN", "127.0.0.1:1")],
            &[("UPSWELL_LISTEN", "127.0.0.1:2".to_owned())],
        );
        let given = settings.get("UPSWELL_LISTEN").unwrap();
        assert_eq!((given.value.as_str(), given.named.as_str()), ("127.0.0.1:2", "--listen"));
    }

    #[test]
    fn a_broken_line_of_dot_env_is_named_without_its_content() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        std::fs::write(&path, "UPSWELL_LOG=info\nSTRIPE_WEBHOOK_SECRET whsec_hidden\n").unwrap();
        let error = Settings::default().put_dot_env(&path).unwrap_err().to_string();
        assert!(error.contains("after UPSWELL_LOG"), "{error}");
        assert!(!error.contains("hidden"), "{error}");
    }

    #[test]
    fn dot_env_gives_values_and_an_empty_one_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        std::fs::write(&path, "# comment\nUPSWELL_LOG='debug'\nUPSWELL_LISTEN=\nOTHER=1\n").unwrap();
        let mut settings = Settings::default();
        settings.put_dot_env(&path).unwrap();
        assert_eq!(settings.get("UPSWELL_LOG").unwrap().value, "debug");
        assert!(settings.get("UPSWELL_LISTEN").is_none());
    }
}
