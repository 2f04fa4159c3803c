//! Reports that are sent by themselves: due by the calendar of their zone, sent once to each, as files, by mail and to
//! webhooks, whatever fails or ends in between.

mod command;
mod receivers;

use serde_json::Value;
use upswell::app::App;
use upswell::config::Config;
use upswell::deliver::{Came, Delivered};

use crate::process::{Place, stories, stories_folder};
use receivers::{Hook, Post};

/// A place where the stories are told, with reports for somebody.
fn told(deliveries: &str) -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", "upswell.toml").with("UPSWELL_TIMEZONE", "Europe/Paris");
    place.write("upswell.toml", configured(deliveries));
    place.write("events.ndjson", stories().join("\n"));
    place.output(&["backfill", "events.ndjson"]);
    place
}

fn configured(deliveries: &str) -> String {
    let own = std::fs::read_to_string(stories_folder().join("upswell.toml")).unwrap();
    format!("{own}\n{deliveries}\n")
}

/// An instant as it is written in UTC.
fn at(text: &str) -> i64 {
    text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp()
}

/// A process of its own on the place's store, as one that was started again.
async fn app(place: &Place, deliveries: &str) -> App {
    let url = place.url();
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("UPSWELL_TIMEZONE", "Europe/Paris"),
        ("UPSWELL_SMTP_PASSWORD", "hidden"),
    ];
    App::open(Config::from_given(&environment, &configured(deliveries)).unwrap()).await.unwrap()
}

/// What a look at an instant sends, by a process that is there for it alone.
async fn look(place: &Place, deliveries: &str, now: &str) -> Vec<Delivered> {
    let app = app(place, deliveries).await;
    let now = at(now);
    let delivered = app.courier().unwrap().look(&|| now).await.unwrap();
    app.ledger.close().await.unwrap();
    delivered
}

/// Each with its period and whether it was sent.
fn came(delivered: &[Delivered]) -> Vec<(&str, &str, bool)> {
    let one = |one: &Delivered| matches!(one.came, Came::Sent(_));
    delivered.iter().map(|each| (each.name.as_str(), each.period.as_str(), one(each))).collect()
}

/// Why the only one of them could not be sent.
fn reason(delivered: &[Delivered]) -> &str {
    match delivered {
        [Delivered { came: Came::Failed(reason, _), .. }] => reason,
        other => panic!("{other:?}"),
    }
}

fn doctor(place: &Place) -> Value {
    serde_json::from_slice(&place.run(&["doctor", "--format", "json"]).stdout).unwrap()
}

/// Runs on a runtime of its own: what the binary does in between is no part of it.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

#[test]
fn a_month_is_written_once_when_it_is_due_and_is_what_the_report_says() {
    let place = told("");
    let pattern = place.path("out/{name}/{month}.{format}").display().to_string();
    let to_date = place.path("out/{date}.json").display().to_string();
    let deliveries = format!(
        "[[delivery]]\nname = \"board\"\nday = 2\nat = \"07:00\"\nview = \"executive\"\nfile = \"{pattern}\"\n\
         formats = [\"html\", \"csv\", \"json\", \"md\", \"xlsx\", \"zip\"]\n\
         [[delivery]]\nname = \"monday\"\nweekday = \"monday\"\nfile = \"{to_date}\"\n"
    );
    run(async {
        assert_eq!(
            came(&look(&place, &deliveries, "2026-10-27T12:00:00Z").await),
            [],
            "the past is not sent"
        );
        let before = look(&place, &deliveries, "2026-11-02T05:59:59Z").await;
        assert_eq!(came(&before), [], "it is 06:59 in Paris");
        let due = look(&place, &deliveries, "2026-11-02T06:00:00Z").await;
        assert_eq!(came(&due), [("board", "2026-10", true), ("monday", "2026-11-02", true)]);
        for again in ["2026-11-02T06:00:15Z", "2026-11-05T00:00:00Z"] {
            assert_eq!(came(&look(&place, &deliveries, again).await), [], "{again}");
        }
    });
    for format in ["html", "csv", "json", "md"] {
        let written = std::fs::read_to_string(place.path(&format!("out/board/2026-10.{format}"))).unwrap();
        let arguments = ["report", "--month", "2026-10", "--view", "executive", "--format", format];
        assert_eq!(written, place.output(&arguments), "{format}");
    }
    for (format, begins) in [("xlsx", b"PK"), ("zip", b"PK")] {
        assert!(
            std::fs::read(place.path(&format!("out/board/2026-10.{format}"))).unwrap().starts_with(begins)
        );
    }
    let to_date: Value =
        serde_json::from_slice(&std::fs::read(place.path("out/2026-11-02.json")).unwrap()).unwrap();
    assert_eq!(to_date["month"], "2026-11");
    let left: Vec<_> =
        std::fs::read_dir(place.path("out")).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "nothing else is left there: {left:?}");
    run(async {
        let next = look(&place, &deliveries, "2026-12-07T06:00:00Z").await;
        assert_eq!(came(&next), [("board", "2026-11", true), ("monday", "2026-12-07", true)]);
        let away = look(&place, &deliveries, "2027-03-20T00:00:00Z").await;
        let board: Vec<&str> =
            away.iter().filter(|one| one.name == "board").map(|one| one.period.as_str()).collect();
        assert_eq!(board, ["2026-12", "2027-01", "2027-02"], "after a time away every month comes");
    });
}

#[test]
fn what_a_webhook_does_not_take_is_tried_again_later_and_by_whoever_is_there_then() {
    let place = told("");
    let hook = Hook::open();
    let deliveries = format!("[[delivery]]\nname = \"sales\"\nwebhook = \"{}\"\n", hook.address);
    run(async {
        look(&place, &deliveries, "2026-10-20T00:00:00Z").await;
        hook.answers("500 No\r\n");
        let failed = look(&place, &deliveries, "2026-11-02T06:00:00Z").await;
        assert!(reason(&failed).contains("answered 500"), "{failed:?}");
        assert_eq!(came(&look(&place, &deliveries, "2026-11-02T06:00:59Z").await), [], "not at once");
        assert_eq!(hook.posted().len(), 1);
        hook.answers("429 Slowly\r\nRetry-After: 900\r\n");
        let failed = look(&place, &deliveries, "2026-11-02T06:01:00Z").await;
        assert!(reason(&failed).contains("answered 429"), "{failed:?}");
        assert_eq!(came(&look(&place, &deliveries, "2026-11-02T06:15:59Z").await), [], "as it asked");
        hook.answers("302 Elsewhere\r\nLocation: /elsewhere\r\n");
        let failed = look(&place, &deliveries, "2026-11-02T06:16:00Z").await;
        assert!(reason(&failed).contains("sends elsewhere"), "{failed:?}");
    });
    let found = doctor(&place);
    let unsent = &found["unsent_reports"][0];
    assert_eq!(
        (&unsent["delivery"], &unsent["period"], &unsent["tries"]),
        (&"sales".into(), &"2026-10".into(), &3.into())
    );
    assert!(unsent["remedy"].as_str().unwrap().contains("upswell deliver --to sales --month 2026-10"));
    assert!(!found.to_string().contains("hidden"), "an address is in {found}");
    run(async {
        let sent = look(&place, &deliveries, "2026-11-02T06:30:00Z").await;
        assert_eq!(came(&sent), [("sales", "2026-10", true)]);
        assert_eq!(came(&look(&place, &deliveries, "2026-11-02T07:30:00Z").await), []);
    });
    assert_eq!(doctor(&place)["unsent_reports"], Value::Array(Vec::new()));
    let posted = hook.posted();
    assert_eq!(posted.len(), 4);
    assert!(posted.iter().all(|one| one.path == "/services/hidden" && one.body == posted[0].body));
}

#[test]
fn a_message_has_the_report_s_sentences_and_names_customers_only_if_that_is_asked_for() {
    let place = told("");
    let (quiet, open) = (Hook::open(), Hook::open());
    let deliveries = format!(
        "[[delivery]]\nname = \"quiet\"\nwebhook = \"{}\"\n[[delivery]]\nname = \"open\"\nwebhook = \"{}\"\n\
         names_customers = true\n",
        quiet.address, open.address
    );
    run(async {
        look(&place, &deliveries, "2026-10-20T00:00:00Z").await;
        assert_eq!(look(&place, &deliveries, "2026-11-02T06:00:00Z").await.len(), 2);
    });
    let json: Value =
        serde_json::from_str(&place.output(&["report", "--month", "2026-10", "--format", "json"])).unwrap();
    let posted = quiet.posted().pop().unwrap();
    assert!(posted.head.contains("content-type: application/json"), "{}", posted.head);
    let message: Value = serde_json::from_str(&posted.body).unwrap();
    let text = message["text"].as_str().unwrap();
    for block in json["currencies"].as_array().unwrap() {
        for sentence in block["summary"].as_array().unwrap() {
            let sentence = sentence.as_str().unwrap();
            assert!(text.contains(sentence), "{sentence} is not in {text}");
            assert!(message["blocks"].to_string().contains(sentence), "{sentence}");
        }
    }
    let blocks = message["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50 && blocks[0]["text"]["text"] == "Expansion report 2026-10", "{blocks:?}");
    assert!(!posted.body.contains("cus_"), "a customer is named in {}", posted.body);
    let named = open.posted().pop().unwrap().body;
    let most = json["currencies"][0]["top_expanders"][0]["customer"].as_str().unwrap();
    assert!(named.contains(most), "{most} is not in {named}");
}

#[test]
fn a_mail_goes_in_secret_with_what_was_asked_for_and_keeps_its_name_when_it_is_tried_again() {
    let place = told("");
    let post = Post::secret(place.directory.path());
    let smtp = |authority: &str| {
        format!(
            "[smtp]\nhost = \"localhost\"\nport = {}\nuser = \"us\"\nfrom = \"upswell <reports@example.com>\"\n{authority}\n",
            post.port
        )
    };
    let authority = format!("authority = \"{}\"", place.path("authority.pem").display());
    let delivery = "[[delivery]]\nname = \"cfo\"\nat = \"00:30\"\nday = 1\nview = \"finance\"\n\
                    email = [\"Ann <ann@example.com>\", \"bob@example.com\"]\nformats = [\"html\", \"json\", \"xlsx\"]\n";
    let (known, unknown) = (format!("{delivery}{}", smtp(&authority)), format!("{delivery}{}", smtp("")));
    run(async {
        look(&place, &known, "2026-10-20T00:00:00Z").await;
        let failed = look(&place, &unknown, "2026-10-31T23:30:00Z").await;
        assert!(reason(&failed).contains("in secret"), "{failed:?}");
        assert_eq!(post.letters().len(), 0);
        post.refuses("550 5.1.1 no such user: {}");
        let failed = look(&place, &known, "2026-11-01T00:00:00Z").await;
        assert!(reason(&failed).contains("550"), "{failed:?}");
        assert!(!reason(&failed).contains("example.com"), "an address is in {failed:?}");
        let sent = look(&place, &known, "2026-11-01T01:00:00Z").await;
        assert_eq!(came(&sent), [("cfo", "2026-10", true)]);
        assert!(!format!("{sent:?}").contains("example.com"));
        let app = app(&place, &known).await;
        let courier = app.courier().unwrap();
        let wish = upswell::deliver::Wish { month: None, once_more: true, is_dry: false };
        let now = at("2026-11-05T00:00:00Z");
        courier.fulfil(&courier.dispatches()[0], wish, &|| now).await.unwrap();
    });
    let letters = post.letters();
    assert_eq!(letters.len(), 2);
    let letter = &letters[0];
    assert_eq!(letter.to, ["ann@example.com", "bob@example.com"]);
    assert_eq!((letter.from.as_str(), letter.was_secret), ("reports@example.com", true));
    assert_eq!(letter.account.as_deref(), Some(" us hidden"));
    assert_eq!(letter.header("Subject"), "Expansion report 2026-10, finance view");
    assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
    assert_eq!(letter.header("Message-ID"), letters[1].header("Message-ID"), "one report, one name");
    let attached = letter.attached();
    let names: Vec<&str> = attached.iter().map(|(name, _)| name.as_str()).collect();
    let expected =
        ["expansion-report-2026-10.html", "expansion-report-2026-10.json", "expansion-report-2026-10.xlsx"];
    assert_eq!(names, expected);
    for (name, bytes) in &attached {
        let format = name.rsplit('.').next().unwrap();
        let arguments = ["report", "--month", "2026-10", "--view", "finance", "--format", format];
        let report = place.run(&arguments).stdout;
        // A workbook says when it was made.
        assert!(format == "xlsx" || *bytes == report, "{name}: {} and {} bytes", bytes.len(), report.len());
        assert!(!bytes.is_empty());
    }
    let json: Value = serde_json::from_slice(&attached[1].1).unwrap();
    let sentence = json["currencies"][0]["summary"][0].as_str().unwrap();
    assert!(letter.said("text/plain").contains(sentence), "{}", letter.said("text/plain"));
    assert!(letter.said("text/html").contains(sentence));
    assert!(!letter.said("text/plain").contains("cus_") && !letter.said("text/html").contains("cus_"));
}

#[test]
fn the_page_itself_may_be_the_mail() {
    let place = told("");
    let post = Post::open();
    let deliveries = format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nfrom = \"reports@example.com\"\n\
         [[delivery]]\nname = \"team\"\nemail = [\"team@example.com\"]\nbody = \"report\"\nformats = []\n",
        post.port
    );
    run(async {
        look(&place, &deliveries, "2026-10-20T00:00:00Z").await;
        assert_eq!(
            came(&look(&place, &deliveries, "2026-11-02T06:00:00Z").await),
            [("team", "2026-10", true)]
        );
    });
    let letter = post.letters().pop().unwrap();
    let page = place.output(&["report", "--month", "2026-10", "--format", "html"]);
    let lines =
        |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned();
    assert!(lines(&letter.said("text/html")) == lines(&page), "the mail is another page than the report's");
    assert_eq!(letter.attached(), []);
}

#[test]
fn several_processes_on_one_store_send_a_report_once() {
    let place = told("");
    let hook = Hook::open();
    let deliveries = format!("[[delivery]]\nname = \"sales\"\nwebhook = \"{}\"\n", hook.address);
    run(async {
        look(&place, &deliveries, "2026-10-20T00:00:00Z").await;
        let mut looks = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let app = app(&place, &deliveries).await;
            let now = at("2026-11-02T06:00:00Z");
            looks.spawn(async move { app.courier().unwrap().look(&|| now).await.unwrap() });
        }
        let sent: Vec<Delivered> = looks.join_all().await.into_iter().flatten().collect();
        assert_eq!(came(&sent), [("sales", "2026-10", true)]);
    });
    assert_eq!(hook.posted().len(), 1);
}

#[test]
fn a_report_whose_sender_ended_is_sent_by_another_once_its_time_is_over() {
    let place = told("");
    let hook = Hook::open();
    let deliveries = format!("[[delivery]]\nname = \"sales\"\nwebhook = \"{}\"\n", hook.address);
    run(async {
        look(&place, &deliveries, "2026-10-20T00:00:00Z").await;
        // It is sent, and nobody answers; whoever sends it ends.
        hook.answers("");
        let app = app(&place, &deliveries).await;
        let now = at("2026-11-02T06:00:00Z");
        let sending = tokio::spawn(async move { app.courier().unwrap().look(&|| now).await });
        while hook.posted().is_empty() {
            tokio::task::yield_now().await;
        }
        sending.abort();
        assert!(sending.await.unwrap_err().is_cancelled());
        assert_eq!(
            came(&look(&place, &deliveries, "2026-11-02T06:09:59Z").await),
            [],
            "somebody may be sending it"
        );
        let sent = look(&place, &deliveries, "2026-11-02T06:10:00Z").await;
        assert_eq!(came(&sent), [("sales", "2026-10", true)]);
    });
    assert_eq!(hook.posted().len(), 2);
}

#[test]
fn a_report_may_wait_until_its_month_is_closed() {
    let place = told("");
    let pattern = place.path("closed-{month}.json").display().to_string();
    let deliveries = format!("[[delivery]]\nname = \"books\"\nonly_closed = true\nfile = \"{pattern}\"\n");
    run(async {
        look(&place, &deliveries, "2026-10-20T00:00:00Z").await;
        assert_eq!(came(&look(&place, &deliveries, "2026-11-10T06:00:00Z").await), []);
    });
    place.write("upswell.toml", configured(""));
    place.output(&["close", "2026-10"]);
    run(async {
        let sent = look(&place, &deliveries, "2026-11-12T06:00:00Z").await;
        assert_eq!(came(&sent), [("books", "2026-10", true)]);
    });
    let report: Value =
        serde_json::from_slice(&std::fs::read(place.path("closed-2026-10.json")).unwrap()).unwrap();
    assert_eq!(report["status"], "closed");
}
