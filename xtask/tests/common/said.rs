//! Output of a call of xtask, for all tests that run it.

use std::process::Output;

/// Output and exit code of a call.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Checks that its last line is a hint that contains a text.
    #[track_caller]
    pub(crate) fn assert_hint(&self, hint: &str) {
        let said = self.stderr.lines().last().and_then(|line| line.strip_prefix("hint: "));
        assert!(said.is_some_and(|said| said.contains(hint)), "no hint `{hint}` in:\n{}", self.stderr);
    }
}
