//! Keeping to what JW and the shell allow: its rate limit, its secret, its errors.

#[tokio::test]
async fn all_that_a_person_sees_first_needs_no_account() {
    for arguments in [&["--help"][..], &["--version"], &["completions", "bash"], &["man"]] {
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_jwhook"))
            .args(arguments)
            .env_clear()
            .output()
            .unwrap();
        assert!(ran.status.success() && !ran.stdout.is_empty(), "{arguments:?}: {ran:?}");
    }
}
