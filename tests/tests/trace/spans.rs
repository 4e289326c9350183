//! Calls as spans of the crate `tracing`.

use super::lines;
use pjrt::ClientOptions;
use pjrt_tests::mock;
use std::fmt;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes down what it is told.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != "ns" && field.name() != "plugin" {
            self.0 += &format!(" {}={value:?}", field.name());
        }
    }
}

impl Notes {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "pjrt::trace"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        span.record(&mut fields);
        self.note(format!("{}{}", span.metadata().name(), fields.0));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.note(format!("event{}", fields.0));
    }

    fn enter(&self, _: &Id) {
        self.note("enter".to_owned());
    }

    fn exit(&self, _: &Id) {
        self.note("exit".to_owned());
    }
}

#[test]
fn a_call_is_a_span_with_an_event() {
    let _alone = lines::alone();
    let notes = Notes::default();
    let plugin = mock(114);
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    pjrt::trace::to_tracing(true);
    tracing::subscriber::with_default(notes.clone(), || client.platform_name().unwrap());
    pjrt::trace::to_tracing(false);
    tracing::subscriber::with_default(notes.clone(), || client.platform_name().unwrap());
    let size = pjrt::sys::PJRT_Client_PlatformName_Args_STRUCT_SIZE;
    assert_eq!(
        *notes.0.lock().unwrap(),
        [
            &format!("pjrt function=\"PJRT_Client_PlatformName\" size={size}"),
            "enter",
            "event code=\"OK\"",
            "exit"
        ]
    );
}
