use super::*;

#[test]
fn a_history_is_made_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    assert!(matches!(Store::read(&path, Waits::Briefly), Err(HistoryError::Missing { .. })));
    let store = Store::write(&path, Waits::Briefly).unwrap();
    for view in ["runs", "verdicts", "calls", "modems"] {
        let count: i64 = store
            .connection
            .query_row(&format!("SELECT count(*) FROM {view}"), [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, 0, "{view}");
    }
    drop(store);
    Store::read(&path, Waits::Briefly).unwrap();
    Store::write(&path, Waits::Briefly).unwrap();
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["history.db"], "nothing else is left");
}
