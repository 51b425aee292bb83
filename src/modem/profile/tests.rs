use super::*;

fn shipped() -> Vec<(String, Profile)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("hardware/modems");
    let mut out: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (stem, serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap())
        })
        .collect();
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

fn problems(yaml: &str) -> Vec<String> {
    let profile: Profile = serde_yaml::from_str(yaml).unwrap();
    profile.problems().into_iter().map(|(key, what)| format!("{key}: {what}")).collect()
}

#[test]
fn all_shipped_profiles_are_sound_and_named_after_their_files() {
    let shipped = shipped();
    for name in ["courier", "generic", "rockwell-conexant", "unknown", "v250"] {
        assert!(shipped.iter().any(|(stem, _)| stem == name), "{name} is missing");
    }
    for (stem, profile) in shipped {
        assert_eq!(profile.profile, stem);
        assert_eq!(profile.problems(), [], "{stem}");
    }
}

#[test]
fn all_shipped_profiles_verify_in_words_and_never_answer() {
    for (stem, profile) in shipped() {
        let all = profile.setup.iter().map(|line| line.send.as_str()).collect::<Vec<_>>().join(" ");
        for needed in ["V1", "Q0", "E0", "&D2", "&C1"] {
            assert!(all.contains(needed), "{stem} lacks {needed}");
        }
        let registers: Vec<u8> = (0..=255).filter(|s| profile.register(*s).is_some()).collect();
        if stem == crate::modem::identify::FALLBACK {
            assert!(registers.is_empty(), "nobody knows what they mean there");
            assert!(!all.contains('S'), "{all}");
        } else {
            assert_eq!(
                (profile.register(0), profile.register(7)),
                (Some(0), Some(75)),
                "{stem}: {registers:?}"
            );
        }
    }
}

#[test]
fn set_up_lines_are_short_or_long_form() {
    let profile: Profile = serde_yaml::from_str(
        "{ profile: a, setup: ['AT&F', { send: AT+MR=1, optional: true }, { send: ATZ, pause: 3s }] }",
    )
    .unwrap();
    let line = |send: &str, optional, pause| SetupLine { optional, pause, ..SetupLine::plain(send) };
    assert_eq!(
        profile.setup,
        [
            line("AT&F", false, Duration::ZERO),
            line("AT+MR=1", true, Duration::ZERO),
            line("ATZ", false, Duration::from_secs(3)),
        ]
    );
    let error = serde_yaml::from_str::<Profile>("{ profile: a, setup: [7] }").unwrap_err().to_string();
    assert!(error.contains("a command line such as `AT&F`"), "{error}");
    let error =
        serde_yaml::from_str::<Profile>("{ profile: a, setup: [{ send: AT, optionl: true }] }").unwrap_err();
    assert!(error.to_string().contains("optionl"), "{error}");
}

#[test]
fn a_pattern_that_does_not_compile_is_told() {
    let yaml = "{ profile: a, match: [{ ask: ATI, answer: '(' }] }";
    assert!(serde_yaml::from_str::<Profile>(yaml).unwrap_err().to_string().contains("unclosed group"));
    let yaml = "{ profile: a, match: [{ ask: ATS7?, answer: '1' }] }";
    assert!(serde_yaml::from_str::<Profile>(yaml).unwrap_err().to_string().contains("+GMM"));
}

#[test]
fn all_problems_of_a_profile_are_told_at_once() {
    assert_eq!(
        problems(
            "profile: no/name
match: [{ ask: ATI, answer: 'x*' }]
setup:
  - ATDT911
  - AT&C1&D2&K3&S1S0=0S7=90S95=44S38=2W1X4V1
  - X4
  - { send: ATZ, pause: 60s }
dial: ATDT9
hangup: [dtr, dtr]
quirks: { dtr_low: 50ms, numeric: true }
numbers: { 11: RINGING, 12: HELLO }
"
        ),
        [
            "profile: `no/name` is no name; use letters, digits, `-`, `_` and `.`",
            "match[0].answer: `x*` fits every answer, an empty one too",
            "setup[0].send: `D` in `ATDT911` dials; a set-up must not",
            "setup[1].send: `AT&C1&D2&K3&S1S0=0S7=90S95=44S38=2W1X4V1` has 40 characters; many modems take no more \
             than 39: split it",
            "setup[2].send: `X4` does not begin with `AT`",
            "setup[3].pause: is longer than 10 s",
            "dial: `ATDT9` is none of `ATDT`, `ATDP`, `ATD`",
            "hangup[1]: stands twice",
            "quirks.dtr_low: 50 ms is not within 75 ms and 10000 ms",
            "numbers.12: `HELLO` is no result code",
        ]
    );
    assert_eq!(
        problems("{ profile: a, hangup: [] }"),
        [
            "setup: has no line; `[\"AT&F\", ATE0Q0V1X4]` is the least",
            "hangup: has no way; `[dtr, escape, reopen]` is usual",
        ]
    );
}

#[test]
fn commands_that_dial_answer_or_blind_us_are_found_wherever_they_stand() {
    for (line, bad) in [
        ("ATD911", true),
        ("AT&D2D9", true),
        ("at x4 d t 9 1 1", true),
        ("AT+MR=1;D911", true),
        ("ATS0=0D1", true),
        ("ATA", true),
        ("ATO0", true),
        ("ATQ1", true),
        ("AT&F&W", true),
        ("ATX4\rATDT911", true),
        ("AT&D2", false),
        ("AT\\D1", false),
        ("AT%D0", false),
        ("AT*D1", false),
        ("AT+DR=1;+DS=3", false),
        ("AT+FCLASS=0", false),
        ("AT#UD", false),
        ("AT-STE=1", false),
        ("AT&F1", false),
        ("ATS40=7", false),
        ("ATE0Q0V1X7&A3", false),
    ] {
        assert_eq!(!command_problems(line).is_empty(), bad, "{line}: {:?}", command_problems(line));
    }
}
