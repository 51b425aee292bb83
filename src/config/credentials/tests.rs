//! Every place that a password can come from, and every way in which that fails; no message has any of it.

use std::fs;
use std::path::Path;

use std::os::unix::fs::PermissionsExt as _;

use super::*;

const SECRET: &str = "hunter2 ünd mehr";

fn planned(source: CredentialSource) -> PlannedCredential {
    let at = Place { file: "p.yaml".into(), line: Some(3), key: "credentials.oob".into() };
    PlannedCredential { username: "oob".into(), source, prove_on: None, at }
}

async fn resolved(source: CredentialSource, env: &[(&str, &str)]) -> Result<String, String> {
    let read = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
    let mut prompt = |text: &str| {
        assert_eq!(text, "Password of credential `oob` (user `oob`): ");
        Ok(SecretString::from(SECRET))
    };
    let credentials = BTreeMap::from([("oob".parse().unwrap(), planned(source))]);
    let outcome = resolve_all(&credentials, Outside { env: &read, prompt: &mut prompt }).await;
    let shown =
        format!("{outcome:?} {}", outcome.as_ref().err().map(ToString::to_string).unwrap_or_default());
    assert!(!shown.contains("hunter2"), "{shown}");
    match outcome {
        Ok(mut all) => {
            let one = all.remove(&"oob".parse().unwrap()).unwrap();
            Ok(one.password.map(|p| p.expose_secret().to_owned()).unwrap_or_default())
        }
        Err(problems) => Err(problems.to_string()),
    }
}

fn file(folder: &Path, name: &str, bytes: &[u8], mode: u32) -> CredentialSource {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    CredentialSource::File(path)
}

fn command(words: &[&str]) -> CredentialSource {
    CredentialSource::Command(words.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn from_the_environment() {
    let source = || CredentialSource::Env("OOB".into());
    assert_eq!(resolved(source(), &[("OOB", SECRET)]).await.as_deref(), Ok(SECRET));
    assert_eq!(
        resolved(source(), &[]).await.unwrap_err(),
        "p.yaml:3: credentials.oob.password: the environment variable `OOB` is not set; set it, or name another place for the password"
    );
    assert_eq!(
        resolved(source(), &[("OOB", "\n")]).await.unwrap_err(),
        "p.yaml:3: credentials.oob.password: the password is empty"
    );
    let two = resolved(source(), &[("OOB", "hunter2\rreload")]).await.unwrap_err();
    assert!(two.ends_with(
        "the password holds a control character or a line break, which the console would take for an Enter"
    ));
    let long = "hunter2".repeat(1000);
    assert!(resolved(source(), &[("OOB", &long)]).await.unwrap_err().contains("longer than 1024 bytes"));
}

#[tokio::test]
async fn from_a_file_that_nobody_else_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let bytes = format!("{SECRET}\r\n");
    assert_eq!(resolved(file(at, "good", bytes.as_bytes(), 0o600), &[]).await.as_deref(), Ok(SECRET));
    assert_eq!(resolved(file(at, "own", bytes.as_bytes(), 0o400), &[]).await.as_deref(), Ok(SECRET));
    for mode in [0o644, 0o640, 0o604, 0o620] {
        let said = resolved(file(at, "open", bytes.as_bytes(), mode), &[]).await.unwrap_err();
        let path = at.join("open").display().to_string();
        assert!(
            said.contains(&format!("can be read by others (mode {mode:04o}); run `chmod 600 {path}`")),
            "{said}"
        );
    }
    let said = resolved(CredentialSource::File(at.join("nowhere")), &[]).await.unwrap_err();
    assert!(said.contains("can't be read: No such file"), "{said}");
    assert!(
        resolved(CredentialSource::File(at.to_owned()), &[]).await.unwrap_err().contains("is no plain file")
    );
    assert!(
        resolved(file(at, "latin", b"hunter2\xe9", 0o600), &[]).await.unwrap_err().ends_with("is not UTF-8")
    );
    assert!(
        resolved(file(at, "two", b"hunter2\nmore\n", 0o600), &[]).await.unwrap_err().contains("a line break")
    );
    assert!(
        resolved(file(at, "big", "x".repeat(100_000).as_bytes(), 0o600), &[])
            .await
            .unwrap_err()
            .contains("longer than")
    );
}

#[tokio::test]
async fn from_a_program() {
    let shell = |script: &str| command(&["sh", "-c", script]);
    assert_eq!(resolved(shell("echo 'hunter2 ünd mehr'"), &[]).await.as_deref(), Ok(SECRET));
    let said = resolved(shell("echo hunter2; printf '\\n\\033[31mno such entry\\n' >&2; exit 3"), &[])
        .await
        .unwrap_err();
    assert!(said.ends_with(r"the program `sh` ended with status 3: `\u{1b}[31mno such entry`"), "{said}");
    assert!(resolved(shell("kill -9 $$"), &[]).await.unwrap_err().contains("ended with a signal"));
    assert!(resolved(shell("true"), &[]).await.unwrap_err().contains("the password is empty"));
    assert!(resolved(shell("yes hunter2"), &[]).await.unwrap_err().contains("longer than"));
    let said = resolved(shell("yes x | head -c 300000 >&2; echo fine"), &[]).await;
    assert_eq!(said.as_deref(), Ok("fine"), "a talkative program is heard out");
    let said = resolved(command(&["/nowhere/pass"]), &[]).await.unwrap_err();
    assert!(said.contains("the program `/nowhere/pass` can't be started"), "{said}");
}

#[tokio::test]
async fn a_program_that_does_not_end_is_ended() {
    let words = ["sh", "-c", "echo hunter2; exec sleep 600"].map(str::to_owned);
    let limit = Duration::from_millis(200);
    let error = from_command(&words, limit).await.unwrap_err();
    assert_eq!(error.to_string(), "the program `sh` gave no password within 0.2 s");
}

#[tokio::test]
async fn from_systemd_the_user_and_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("oob"), SECRET).unwrap();
    let env = [("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap())];
    let source = || CredentialSource::Systemd("oob".into());
    assert_eq!(resolved(source(), &env).await.as_deref(), Ok(SECRET));
    assert!(resolved(source(), &[]).await.unwrap_err().contains("`LoadCredential=oob:...`"));
    assert_eq!(resolved(CredentialSource::Prompt, &[]).await.as_deref(), Ok(SECRET));
    assert_eq!(resolved(CredentialSource::None, &[]).await.as_deref(), Ok(""));
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once_and_what_can_be_foreseen_before() {
    let source = |name: &str| planned(CredentialSource::Env(name.into()));
    let credentials: BTreeMap<CredentialName, PlannedCredential> = BTreeMap::from([
        ("a".parse().unwrap(), source("A")),
        ("b".parse().unwrap(), source("B")),
        ("c".parse().unwrap(), planned(CredentialSource::Prompt)),
    ]);
    let mut prompt = |_: &str| Err(std::io::Error::other("no terminal"));
    let outside = Outside { env: &|_| None, prompt: &mut prompt };
    let problems = resolve_all(&credentials, outside).await.unwrap_err();
    assert_eq!(problems.0.len(), 3);
    assert!(
        problems.to_string().contains("the password can't be asked for: no terminal; run it on a terminal")
    );
    assert_eq!(foresee(&credentials, &|_| None).len(), 2);
}
