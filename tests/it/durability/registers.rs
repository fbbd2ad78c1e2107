//! What the control operations should have left: each thing has a last value that was acknowledged, and perhaps one that
//! was asked for when the connection ended.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Mutex;

/// One thing that changes.
#[derive(Clone, Debug)]
struct Register {
    acknowledged: String,
    pending: Option<String>,
}

/// Things that change, by name.
#[derive(Default)]
pub(super) struct Registers(Mutex<BTreeMap<String, Register>>);

impl Registers {
    /// A thing is about to be given `value`. Things that were never named before are `absent`.
    pub(super) fn attempt(&self, name: &str, value: &str) {
        let mut registers = self.0.lock().expect("not poisoned");
        let register = registers.entry(name.to_owned()).or_insert_with(|| Register {
            acknowledged: "absent".to_owned(),
            pending: None,
        });
        register.pending = Some(value.to_owned());
    }

    /// The server has acknowledged it.
    pub(super) fn acknowledge(&self, name: &str) {
        self.with(name, |register| {
            if let Some(value) = register.pending.take() {
                register.acknowledged = value;
            }
        });
    }

    /// The server has said that nothing was saved.
    pub(super) fn refuse(&self, name: &str) {
        self.with(name, |register| register.pending = None);
    }

    /// Compares all things with what `actual` finds, which from now on is what they should be.
    pub(super) fn check(&self, actual: impl Fn(&str) -> String) {
        let mut registers = self.0.lock().expect("not poisoned");
        for (name, register) in registers.iter_mut() {
            let found = actual(name);
            let expected = found == register.acknowledged || register.pending.as_ref() == Some(&found);
            assert!(expected, "`{name}` is `{found}`, but should be {register:?}");
            *register = Register {
                acknowledged: found,
                pending: None,
            };
        }
    }

    fn with(&self, name: &str, change: impl FnOnce(&mut Register)) {
        let mut registers = self.0.lock().expect("not poisoned");
        change(registers.get_mut(name).expect("it was attempted"));
    }
}
