//! The modem that the bank expects, and another one in its place: a cable that was swapped.

use lineman::model::event::ModemState;
use lineman::model::{EventKind, Fault};
use lineman::sim::log::What;

use crate::stage::{Played, Stage};
use crate::verdicts::bank_of;

const TWO: [&str; 2] = ["profile: courier", "profile: rockwell-conexant"];

/// What is told of a modem that is out.
fn outs(played: &Played) -> Vec<(String, Option<Fault>, String)> {
    let told = played.events.iter().filter_map(|event| match &event.kind {
        EventKind::Modem { modem, state: ModemState::Out, fault, detail, .. } => {
            Some((modem.to_string(), *fault, detail.clone()))
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn the_modem_that_the_bank_expects_is_dialed_on() {
    let mut stage = Stage::new(&bank_of(&TWO, 4, &[]));
    stage.fingerprints = [("m0", "USRobotics Courier V.Everything Rev. 2.1.1"), ("m1", "56000")].into();
    let played = stage.play();
    assert_eq!(outs(&played), []);
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()), "{:?}", played.faults());
    assert!(["m0", "m1"].iter().all(|id| played.calls().iter().any(|call| call.modem.as_str() == *id)));
}

#[test]
fn another_modem_on_the_port_is_told_and_nothing_is_dialed_on_it() {
    for auto in [false, true] {
        let mut stage = Stage::new(&bank_of(&TWO, 4, &[]));
        stage.auto = auto;
        stage.fingerprints = [("m0", "56000"), ("m1", "56000")].into();
        let played = stage.play();
        let outs = outs(&played);
        assert!(!outs.is_empty());
        for (modem, fault, detail) in outs {
            assert_eq!((modem.as_str(), fault), ("m0", Some(Fault::ModemError)), "{detail}");
            assert!(
                detail.contains("another modem is on this port") && detail.contains("Courier"),
                "{detail}"
            );
        }
        assert!(played.calls().iter().all(|call| call.modem.as_str() == "m1"));
        assert!(played.faults().iter().all(|(_, fault)| fault.is_none()), "{:?}", played.faults());
    }
}

#[test]
fn two_that_changed_places_are_named() {
    let mut stage = Stage::new(&bank_of(&TWO, 2, &[]));
    stage.fingerprints = [("m0", "56000"), ("m1", "Courier V.Everything")].into();
    stage.exchange.modems[0].answers.insert("ATI3".into(), "Courier V.Everything".into());
    let played = stage.play();
    let outs = outs(&played);
    assert!(
        outs.iter().any(|(modem, _, detail)| modem == "m0" && detail.contains("as `m1` should")),
        "{outs:?}"
    );
    assert!(outs.iter().any(|(modem, _, _)| modem == "m1"), "{outs:?}");
    assert_eq!(played.logged(What::Dialed).len(), 0);
    for (line, fault) in played.faults() {
        assert_eq!(fault, Some(Fault::ModemError), "{line}: a swapped cable is never a line's fault");
    }
}
