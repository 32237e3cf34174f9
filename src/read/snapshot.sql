-- What the console shows, in one statement and so of one moment: a row of JSON parts with
-- the members that fold/state.h reads. Only what the role ringdown_console may see: no
-- sealed column, no recipient of a message. $1 = now, $2 = what ended before is left out.
SELECT (SELECT seq FROM ringdown.journal_head) AS seq,
 (SELECT name FROM ringdown.environment) AS environment,
 l.holder, l.epoch, b.counter, b.renewed_at,
 (SELECT doc FROM ringdown.live WHERE key = 'leader') AS live,
 (SELECT json_build_object('outboxWaiting', count(*) FILTER (WHERE state <> 'dead'),
   'outboxDead', count(*) FILTER (WHERE state = 'dead'))
  FROM ringdown.outbox WHERE state IN ('waiting', 'sending', 'dead')) AS figures,
 (SELECT row_to_json(x) FROM (SELECT c.paused AND coalesce(c.paused_until > $1, true) AS paused,
   c.maintenance AND coalesce(c.maintenance_until > $1, true) AS maintenance, c.shadow,
   CASE WHEN c.paused THEN c.paused_by ELSE c.maintenance_by END AS by,
   CASE WHEN c.paused THEN c.paused_reason ELSE c.maintenance_reason END AS reason,
   CASE WHEN c.paused THEN c.paused_at ELSE c.maintenance_at END AS since,
   CASE WHEN c.paused THEN c.paused_until ELSE c.maintenance_until END AS until
  FROM ringdown.control c) x) AS control,
 (WITH home AS (SELECT (SELECT min(id) FROM "TwilioAccount" WHERE "isPrimary"
    HAVING count(*) = 1) AS id),
   agents AS (SELECT coalesce(v."twilioAccountId", home.id) AS id, count(*) AS n
    FROM "VoiceAgent" v CROSS JOIN home LEFT JOIN ringdown.agent_ext x ON x.agent_id = v.id
    WHERE v.status = 'ACTIVE' AND v."elevenLabsAgentId" IS NOT NULL
    AND v."twilioPhoneNumber" IS NOT NULL AND x.eleven_present IS NOT FALSE GROUP BY 1),
   numbers AS (SELECT p."accountId" AS id, count(*) AS total,
    count(*) FILTER (WHERE p.status = 'available' AND r.phone_number IS NULL) AS free,
    count(*) FILTER (WHERE p."voiceReady" AND p.status <> 'unavailable') AS voice,
    count(*) FILTER (WHERE p."smsReady" AND p.status <> 'unavailable') AS sms
    FROM "TwilioBackupPhoneNumber" p
    LEFT JOIN ringdown.reservation r ON r.phone_number = p."phoneNumber" GROUP BY 1)
  SELECT coalesce(json_agg(x), '[]') FROM (SELECT a.id, a.name, a.provider, a."accountSid",
    a."isPrimary", a."isActive", a.priority, a.status, e.type, a.region, e.edge,
    e.parent_sid AS "parentSid", coalesce(a."healthStatus", e.health) AS health,
    e.health_since AS "healthSince",
    greatest(a."lastHealthCheck", e.last_check) AS "lastHealthCheck", e.why,
    coalesce(g.n, 0) AS agents, coalesce(e.failing, 0) AS failing,
    coalesce(e.unknown, 0) AS unknown, coalesce(e.failure_rate, 0) AS "failureRate",
    coalesce(n.total, 0) AS "numbersTotal", coalesce(n.free, 0) AS "numbersFree",
    coalesce(n.voice, 0) AS "numbersVoiceReady", coalesce(n.sms, 0) AS "numbersSmsReady",
    coalesce(e.standby_ready, false) AS "standbyReady",
    e.standby_problems AS "standbyProblems", e.balance,
    e.second_key_sid IS NOT NULL AS "hasSecondCredential",
    e.api_key_sid IS NOT NULL AS "hasApiKey", e.credentials_set_at AS "credentialsSetAt",
    CASE WHEN a."isPrimary" THEN coalesce(o.current_account, a.id) END AS "currentAccountId",
    CASE WHEN coalesce(g.n, 0) > 0
     OR (a."isPrimary" AND coalesce(o.current_account, a.id) = a.id)
     OR EXISTS (SELECT 1 FROM ringdown.lineage k WHERE k.current_account = a.id)
     THEN 'carrying' ELSE 'standby' END AS role
   FROM "TwilioAccount" a
   LEFT JOIN ringdown.account_ext e ON e.account_id = a.id
   LEFT JOIN ringdown.lineage o ON o.primary_id = a.id
   LEFT JOIN agents g ON g.id = a.id LEFT JOIN numbers n ON n.id = a.id
   ORDER BY a."isPrimary" DESC, a.priority, a.name, a.id LIMIT 2000) x) AS accounts,
 (SELECT coalesce(json_agg(x), '[]') FROM (SELECT e.id, e.version, e.status, e.severity,
    e.confirmed, e.reopens, e.flapping, e.trigger_type AS "triggerType", e.rule_id AS rule,
    e.reason, e.cause, e.cause_key AS "causeKey", e.lineage,
    e.from_account AS "fromAccountId", e.to_account AS "toAccountId",
    e.opened_at AS "openedAt", e.state_since AS "stateSince", e.started_at AS "startedAt",
    e.window_ms AS "windowMs", e.extended_ms AS "extendedMs",
    e.tested_failing_ms AS "testedFailingMs", e.deadline_at AS "deadlineAt",
    e.last_test_at AS "lastTestAt", e.next_test_at AS "nextTestAt", e.passes,
    e.passes_needed AS "passesNeeded", e.tests_passed AS "testsPassed",
    e.tests_failed AS "testsFailed", e.held_gate AS "heldGate", e.decided_at AS "decidedAt",
    e.decided_by AS "decidedBy", e.completed_at AS "completedAt",
    e.rollback_until AS "rollbackUntil", e.executed_by AS "executedBy", e.epoch,
    e.plan_hash AS "planHash", e.plan, e.overrides, e.error,
    e.agents_total AS "agentsTotal", e.agents_moved AS "agentsMoved",
    e.agents_failed AS "agentsFailed", e.acked_by AS "ackedBy", e.acked_at AS "ackedAt",
    e.partial, e.drill, coalesce(e.gates, '[]') AS gates,
    (SELECT coalesce(json_agg(json_build_object('n', s.n, 'state', s.state, 'done', s.done,
       'total', s.total, 'startedAt', s.started_at, 'endedAt', s.ended_at,
       'error', s.error) ORDER BY s.n), '[]')
     FROM ringdown.event_step s WHERE s.event_id = e.id) AS steps,
    (SELECT coalesce(json_agg(json_build_object('at', t.at, 'outcome', t.outcome,
       'detail', t.detail, 'parts', t.parts) ORDER BY t.n), '[]')
     FROM (SELECT * FROM ringdown.event_test y WHERE y.event_id = e.id
      ORDER BY y.n DESC LIMIT 40) t) AS tests
   FROM ringdown.event e
   WHERE e.status IN ('held', 'pending', 'approved', 'executing', 'failed', 'rolling_back')
    OR e.id IN (SELECT id FROM ringdown.event ORDER BY opened_at DESC LIMIT 50)
   ORDER BY e.opened_at DESC, e.id DESC LIMIT 400) x) AS events,
 (SELECT coalesce(json_agg(x), '[]') FROM (SELECT seq, at, level AS severity, kind, subject,
    actor, text FROM (SELECT * FROM ringdown.journal ORDER BY seq DESC LIMIT 200) j
   WHERE text <> '' ORDER BY seq DESC) x) AS entries,
 (SELECT coalesce(json_agg(x), '[]') FROM (SELECT id, what, subject, by, reason, since, until
   FROM ringdown.hold ORDER BY since, id LIMIT 500) x) AS holds,
 (SELECT coalesce(json_agg(x), '[]') FROM (SELECT id::text, channel, event_id AS "eventId", kind,
    state, error, created_at AS at, next_at AS "nextAt", attempts FROM ringdown.outbox
   WHERE state IN ('waiting', 'sending', 'dead') OR created_at >= $2
   ORDER BY id DESC LIMIT 200) x) AS messages,
 (SELECT coalesce(json_agg(x), '[]') FROM (SELECT id, name, subject, text, severity, state,
    since, resolved_at AS "resolvedAt", acked_by AS "ackedBy", acked_at AS "ackedAt", priority, source,
    coalesce(grouping, name) AS "group", count, figure AS value, runbook, inhibited_by AS "inhibitedBy",
    silenced_by AS "silencedBy", silenced_reason AS "silencedReason",
    silenced_until AS "silencedUntil", labels, ack_until AS "ackUntil", told_at AS "toldAt",
    told_n AS told, told_to AS "toldTo", CASE WHEN state = 'firing' AND NOT quiet
     AND acked_by IS NULL AND inhibited_by IS NULL THEN CASE WHEN told_at IS NULL
     THEN silenced_until WHEN repeat_at IS NOT NULL THEN greatest(repeat_at, silenced_until)
     END END AS "nextTellAt" FROM ringdown.alert
   WHERE state <> 'resolved' OR resolved_at >= $2 ORDER BY since DESC, id LIMIT 500) x)
  AS alerts,
 (SELECT coalesce(json_agg(x), '[]') FROM (SELECT n.id, n.address, n.id = l.holder AS leader,
    n.seen_at AS "seenAt", CASE WHEN n.id = l.holder THEN l.epoch ELSE 0 END AS epoch
   FROM ringdown.engine n ORDER BY n.seen_at DESC LIMIT 100) x) AS peers,
 (SELECT coalesce(json_agg(x.summary), '[]') FROM (SELECT summary FROM ringdown.run
   WHERE ended_at IS NULL OR started_at >= $2 ORDER BY started_at DESC, id DESC LIMIT 200) x)
  AS runs,
 (SELECT coalesce(json_agg(x), '[]') FROM (SELECT i.id, i.version, i.title, i.severity, i.state,
    i.kind, i.service, i.impact, i.cause, i.declared_by AS "declaredBy", i.acked_by AS "ackedBy",
    i.commander, i.started_at AS "startedAt", i.detected_at AS "detectedAt",
    i.declared_at AS "declaredAt", i.acked_at AS "ackedAt", i.mitigated_at AS "mitigatedAt",
    i.resolved_at AS "resolvedAt", i.closed_at AS "closedAt", i.review,
    i.review_owner AS "reviewOwner", i.status_quoted AS "statusQuoted",
    CASE WHEN i.state = 'declared' THEN c.ack_due END AS "ackDueAt", c.escalate AS "escalateAt",
    c.escalate_to AS "escalateTo", c.update_due AS "nextUpdateAt", c.every_ms AS "updateEveryMs",
    c.report_due AS "reportDueAt", c.review_due AS "reviewDueAt",
    coalesce(k.alerts, 0) AS alerts, coalesce(k.events, 0) AS events, coalesce(k.runs, 0) AS runs,
    (SELECT count(*) FROM ringdown.note n WHERE n.incident_id = i.id AND NOT n.gone) AS notes
   FROM ringdown.incident i
   LEFT JOIN LATERAL (SELECT
     min(due_at) FILTER (WHERE kind = 'task' AND ladder = 'ack' AND state IN ('running', 'due')) AS ack_due,
     min(due_at) FILTER (WHERE kind = 'severity' AND state = 'running') AS escalate,
     min(target) FILTER (WHERE kind = 'severity' AND state = 'running') AS escalate_to,
     min(due_at) FILTER (WHERE kind = 'update' AND state IN ('running', 'due')) AS update_due,
     max(every_ms) FILTER (WHERE kind = 'update') AS every_ms,
     min(due_at) FILTER (WHERE kind = 'deadline' AND target = 'report' AND state <> 'done') AS report_due,
     min(due_at) FILTER (WHERE kind = 'deadline' AND target = 'review' AND state <> 'done') AS review_due
    FROM ringdown.incident_clock x WHERE x.incident_id = i.id) c ON true
   LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE kind = 'alert') AS alerts,
     count(*) FILTER (WHERE kind = 'event') AS events, count(*) FILTER (WHERE kind = 'run') AS runs
    FROM ringdown.incident_link l WHERE l.incident_id = i.id AND l.gone_by IS NULL) k ON true
   WHERE i.state IN ('declared', 'acknowledged', 'mitigated') OR i.changed_at >= $2
   ORDER BY i.declared_at DESC, i.id DESC LIMIT 100) x) AS incidents
 FROM ringdown.lease l CROSS JOIN ringdown.lease_beat b
