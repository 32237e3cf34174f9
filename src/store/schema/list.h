/* The versions of schema "ringdown", in order; one line and one file each. A file that was
 * released is never changed again: add the next one. */
SCHEMA(1, base, "src/store/schema/001_base.sql")
SCHEMA(2, failover, "src/store/schema/002_failover.sql")
SCHEMA(3, sms, "src/store/schema/003_sms.sql")
SCHEMA(4, runs, "src/store/schema/004_runs.sql")
SCHEMA(5, incidents, "src/store/schema/005_incidents.sql")
SCHEMA(6, number_index, "src/store/schema/006_number_index.sql")
SCHEMA(8, alerts, "src/store/schema/008_alerts.sql")
SCHEMA(9, outbox_answered, "src/store/schema/009_outbox_answered.sql")
SCHEMA(10, reports, "src/store/schema/010_reports.sql")
SCHEMA(11, replay, "src/store/schema/011_replay.sql")
SCHEMA(12, alert_telling, "src/store/schema/012_alert_telling.sql")
SCHEMA(13, big_tables, "src/store/schema/013_big_tables.sql")
