//! The same by the binary: sent by hand, by several at once, and by a server that was started again.

use serde_json::Value;

use super::receivers::Hook;
use super::{app, at, configured, run, told};
use crate::process::{Place, Server};

fn answer(place: &Place, arguments: &[&str]) -> (Value, Option<i32>) {
    let output = place.run(&[&["deliver", "--format", "json"], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}")), output.status.code())
}

fn outcomes(answer: &Value) -> Vec<&str> {
    answer.as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect()
}

#[test]
fn by_hand_a_report_is_shown_sent_once_and_once_more_if_that_is_asked_for() {
    let hook = Hook::open();
    let deliveries = "[[delivery]]\nname = \"sales\"\nwebhook = \"environment\"\n\
         [[delivery]]\nname = \"disk\"\nfile = \"out/{month}-{name}.md\"\n";
    let place = told("").with("UPSWELL_DELIVERY_WEBHOOKS", &format!("sales={}", hook.address));
    place.write("upswell.toml", configured(deliveries));
    let october = ["--month", "2026-10"];
    let (shown, code) = answer(&place, &[&october[..], &["--dry-run"]].concat());
    assert_eq!((outcomes(&shown), code), (vec!["would_send", "would_send"], Some(0)));
    assert!(shown[0]["message"].as_str().unwrap().starts_with("Expansion report 2026-10\n"), "{shown}");
    assert!(shown[1]["how"].as_str().unwrap().contains("out/2026-10-disk.md"), "{shown}");
    assert!(hook.posted().is_empty() && !place.path("out").exists(), "a dry run sends nothing");
    let (sent, code) = answer(&place, &october);
    assert_eq!((outcomes(&sent), code), (vec!["sent", "sent"], Some(0)));
    let written = std::fs::read_to_string(place.path("out/2026-10-disk.md")).unwrap();
    assert_eq!(written, place.output(&["report", "--month", "2026-10", "--format", "md"]));
    let (again, code) = answer(&place, &october);
    assert_eq!((outcomes(&again), code), (vec!["sent_before", "sent_before"], Some(0)));
    assert_eq!(hook.posted().len(), 1);
    hook.answers("503 No\r\n");
    let (once_more, code) = answer(&place, &[&october[..], &["--again", "--to", "sales"]].concat());
    assert_eq!((outcomes(&once_more), code), (vec!["failed"], Some(1)));
    let (now, code) = answer(&place, &[&october[..], &["--to", "sales"]].concat());
    assert_eq!((outcomes(&now), code), (vec!["sent"], Some(0)), "by hand nobody waits");
    let table = place.output(&["deliver", "--month", "2026-10", "--format", "table"]);
    assert!(table.contains("sales  2026-10  sent before"), "{table}");
    for told in [shown.to_string(), sent.to_string(), once_more.to_string(), table] {
        assert!(!told.contains("hidden"), "an address is in {told}");
    }
}

#[test]
fn who_is_no_receiver_and_what_can_not_be_used_exit_2() {
    let place = told("");
    let none = place.run(&["deliver"]);
    let said = String::from_utf8(none.stderr).unwrap();
    assert_eq!(none.status.code(), Some(2), "{said}");
    assert!(said.contains("[[delivery]]"), "{said}");
    place.write("upswell.toml", configured("[[delivery]]\nname = \"disk\"\nfile = \"{month}.md\"\n"));
    let unknown = place.run(&["deliver", "--to", "nobody"]);
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!(unknown.status.code(), Some(2), "{said}");
    assert!(said.contains("upswell deliver --to disk"), "{said}");
    let mail = "[smtp]\nhost = \"localhost\"\nfrom = \"a@hidden.example\"\nauthority = \"nowhere.pem\"\n\
                [[delivery]]\nname = \"cfo\"\nemail = [\"b@hidden.example\"]\n";
    place.write("upswell.toml", configured(mail));
    for arguments in [&["deliver"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let refused = place.run(arguments);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("smtp.authority") && !said.contains("hidden"), "{said}");
    }
}

#[test]
fn several_commands_at_once_send_a_report_once() {
    let hook = Hook::open();
    let place = told("");
    let deliveries = format!("[[delivery]]\nname = \"sales\"\nwebhook = \"{}\"\n", hook.address);
    place.write("upswell.toml", configured(&deliveries));
    let all: Vec<Value> = std::thread::scope(|scope| {
        let send = || answer(&place, &["--month", "2026-10"]).0;
        let sending: Vec<_> = (0..4).map(|_| scope.spawn(send)).collect();
        sending.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let sent = all.iter().filter(|one| outcomes(one) == ["sent"]).count();
    assert_eq!((sent, hook.posted().len()), (1, 1), "{all:?}");
}

fn metric(server: &Server, name: &str) -> String {
    let page = server.connect().unwrap().get("/metrics", "").unwrap().body;
    let found = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    found.unwrap_or_else(|| panic!("no {name} in\n{page}"))
}

#[test]
fn a_server_sends_what_became_due_while_none_was_there_and_is_watched() {
    let hook = Hook::open();
    let place = told("");
    let pattern = place.path("{month}.md").display().to_string();
    let deliveries = format!(
        "[[delivery]]\nname = \"disk\"\nfile = \"{pattern}\"\n[[delivery]]\nname = \"sales\"\nwebhook = \"{}\"\n",
        hook.address
    );
    place.write("upswell.toml", configured(&deliveries));
    // Somebody looked two months ago, and nobody since.
    let long_ago = upswell::app::now() - 62 * 86_400;
    run(async {
        let app = app(&place, &deliveries).await;
        assert_eq!(app.courier().unwrap().look(&|| long_ago).await.unwrap(), []);
    });
    hook.answers("500 No\r\n");
    let server = place.serve();
    let sent = "upswell_reports_total{outcome=\"sent\"}";
    let failed = "upswell_reports_total{outcome=\"failed\"}";
    while metric(&server, sent).parse::<u32>().unwrap() < 2 || metric(&server, failed) == "0" {
        std::thread::yield_now();
    }
    assert_ne!(metric(&server, "upswell_unsent_reports"), "0");
    let (ended, said) = server.stop();
    assert!(ended.success() && said.contains("report could not be sent"), "{said}");
    assert!(!said.contains("hidden"), "an address is in the log:\n{said}");
    let before = hook.posted().len();
    // A server that is started again sends nothing twice; what failed is not due again yet.
    let server = place.serve();
    server.connect().unwrap().get("/healthz", "").unwrap();
    let (ended, said) = server.stop();
    assert!(ended.success(), "{ended}: {said}");
    assert_eq!(hook.posted().len(), before);
    let found: Value = serde_json::from_slice(&place.run(&["doctor", "--format", "json"]).stdout).unwrap();
    assert_eq!(found["unsent_reports"].as_array().unwrap().len(), 1, "{}", found["unsent_reports"]);
    assert!(at("2026-01-01T00:00:00Z") < upswell::app::now());
}
