-- notify at revision 0010, on Monday 23 November 2026 at 13:00: as that version left it.
CREATE TABLE notify.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE notify.line (
    obligation_id text NOT NULL,
    role text NOT NULL,
    level smallint NOT NULL,
    told smallint NOT NULL,
    news text,
    post text,
    slot_at timestamp with time zone,
    former text DEFAULT ''::text NOT NULL
);
CREATE TABLE notify.notice (
    id text NOT NULL,
    post text NOT NULL,
    role text NOT NULL,
    channel text NOT NULL,
    slot timestamp with time zone NOT NULL,
    status text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    text_body text NOT NULL,
    html_body text NOT NULL,
    items integer NOT NULL,
    stored_at timestamp with time zone NOT NULL,
    added_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    traces text[] DEFAULT '{}'::text[] NOT NULL,
    sent_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    next_try_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    lease text,
    leased_until timestamp with time zone
);
CREATE TABLE notify.notice_item (
    notice_id text NOT NULL,
    obligation_id text NOT NULL,
    revision bigint NOT NULL,
    level smallint NOT NULL,
    news text NOT NULL
);
CREATE TABLE notify.obligation (
    id text NOT NULL,
    revision bigint NOT NULL,
    doc jsonb NOT NULL,
    unit text DEFAULT ''::text NOT NULL,
    unit_name text DEFAULT ''::text NOT NULL,
    due_at timestamp with time zone,
    resolved text,
    raised smallint DEFAULT '-1'::integer NOT NULL,
    raised_at timestamp with time zone,
    closed_at timestamp with time zone,
    calendar_days boolean DEFAULT false NOT NULL,
    escalation_revision integer DEFAULT 0 NOT NULL,
    timer_at timestamp with time zone,
    trace text DEFAULT ''::text NOT NULL,
    joint boolean DEFAULT false NOT NULL
);
CREATE TABLE notify.outbox (
    id bigint NOT NULL,
    event_id text NOT NULL,
    subject text NOT NULL,
    body bytea NOT NULL,
    added_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    leased_until timestamp with time zone,
    lease text
);
ALTER TABLE notify.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME notify.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE notify.quarantine (
    id bigint NOT NULL,
    digest bytea NOT NULL,
    source text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    origin text NOT NULL,
    seen integer DEFAULT 1 NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    raw bytea NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    waiting_since timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    closed_at timestamp with time zone,
    corrected boolean DEFAULT false NOT NULL,
    subject text,
    place json,
    size integer DEFAULT 0 NOT NULL,
    cut boolean DEFAULT false NOT NULL,
    sealed boolean DEFAULT false NOT NULL,
    gone_at timestamp with time zone,
    history jsonb DEFAULT '[]'::jsonb NOT NULL
);
ALTER TABLE notify.quarantine ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME notify.quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE notify.reach (
    source text NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE notify.tick (
    stream text NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE notify.unit (
    code text NOT NULL,
    revision bigint NOT NULL,
    doc jsonb NOT NULL
);
INSERT INTO notify.alembic_version (version_num) VALUES ('0010');
INSERT INTO notify.line (obligation_id, role, level, told, news, post, slot_at, former) VALUES ('dossier/000.00.12.H56-261120-0007', 'head', 1, 1, NULL, 'H56.12', NULL, '');
INSERT INTO notify.line (obligation_id, role, level, told, news, post, slot_at, former) VALUES ('dossier/B', 'head', 1, 1, 'settled', 'H56.12', '2026-11-23 07:00:00+00', '');
INSERT INTO notify.line (obligation_id, role, level, told, news, post, slot_at, former) VALUES ('dossier/D', 'head', 1, -1, 'new', '14797', '2026-11-23 07:00:00+00', '');
INSERT INTO notify.notice (id, post, role, channel, slot, status, reason, revision, recipient, subject, text_body, html_body, items, stored_at, added_at, traces, sent_at, attempts, next_try_at, lease, leased_until) VALUES ('373397e5d0a50d79dc5d41af', 'H56.12', 'head', 'sms', '2026-11-23 00:30:00+00', 'withheld', 'no_contact', 1, '', '', 'Don doc - So Nong nghiep va Moi truong: 2 viec qua han (2 moi). Chi tiet trong thu dien tu 07:30 23/11.', '', 2, '2026-11-23 00:30:00+00', '2026-11-26 10:50:39.370781+00', '{}', NULL, 0, '2026-11-26 10:50:39.370781+00', NULL, NULL);
INSERT INTO notify.notice (id, post, role, channel, slot, status, reason, revision, recipient, subject, text_body, html_body, items, stored_at, added_at, traces, sent_at, attempts, next_try_at, lease, leased_until) VALUES ('3b710ca08b98b9f8affb1e42', 'H56.12', 'head', 'email', '2026-11-23 00:30:00+00', 'sent', '', 2, 'h56.12@example.vn', '[Đôn đốc] Sở Nông nghiệp và Môi trường: 2 hồ sơ đang quá hạn (2 mới báo) (07:30 23/11/2026)', 'Kính gửi: Giám đốc Sở Nông nghiệp và Môi trường

Tổng hợp đến 07:30 23/11/2026: 2 hồ sơ đang quá hạn (2 mới báo).
Đề nghị Ông/Bà chỉ đạo giải quyết dứt điểm các hồ sơ quá hạn nêu dưới đây.

Mới quá hạn (2)
- 000.00.12.H56-261120-0007 · Đất đai · 1.012753 · hạn 16:00 20/11/2026 · quá hạn 1 giờ làm việc
- B · Đất đai · 1.012753 · hạn 16:00 20/11/2026 · quá hạn 1 giờ làm việc

Số liệu cập nhật đến 16:00 20/11/2026 (nguồn: motcua-1).

Ông/Bà nhận được thư này vì là người đứng đầu đơn vị chịu trách nhiệm giải quyết.
Thư do hệ thống Đôn đốc gửi tự động, xin không trả lời thư này.
', '<!doctype html>
<html lang="vi">
<head><meta charset="utf-8"><title>Đôn đốc</title></head>
<body style="font-family: sans-serif; color: #222; max-width: 60em">
<p>Kính gửi: Giám đốc Sở Nông nghiệp và Môi trường</p>
<p>Tổng hợp đến 07:30 23/11/2026: <strong>2 hồ sơ đang quá hạn (2 mới báo)</strong>.</p>
<p>Đề nghị Ông/Bà chỉ đạo giải quyết dứt điểm các hồ sơ quá hạn nêu dưới đây.</p>
<h3>Mới quá hạn (2)</h3>
<table cellpadding="4" style="border-collapse: collapse" border="1">
<tr><th align="left">Mã</th><th align="left">Lĩnh vực · thủ tục</th><th align="left">Hạn</th><th align="left">Tình trạng</th></tr>
<tr><td>000.00.12.H56-261120-0007</td><td>Đất đai · 1.012753</td><td>16:00 20/11/2026</td><td>quá hạn 1 giờ làm việc</td></tr>
<tr><td>B</td><td>Đất đai · 1.012753</td><td>16:00 20/11/2026</td><td>quá hạn 1 giờ làm việc</td></tr>
</table>
<p>Số liệu cập nhật đến 16:00 20/11/2026 (nguồn: motcua-1).</p>
<p style="color: #666">Ông/Bà nhận được thư này vì là người đứng đầu đơn vị chịu trách nhiệm giải quyết.<br>
Thư do hệ thống Đôn đốc gửi tự động, xin không trả lời thư này.</p>
</body>
</html>
', 2, '2026-11-23 00:30:00+00', '2026-11-26 10:50:39.370571+00', '{}', '2026-11-26 10:50:39.553746+00', 1, '2026-11-26 10:50:39.370572+00', NULL, NULL);
INSERT INTO notify.notice_item (notice_id, obligation_id, revision, level, news) VALUES ('3b710ca08b98b9f8affb1e42', 'dossier/000.00.12.H56-261120-0007', 2, 1, 'new');
INSERT INTO notify.notice_item (notice_id, obligation_id, revision, level, news) VALUES ('3b710ca08b98b9f8affb1e42', 'dossier/B', 2, 1, 'new');
INSERT INTO notify.notice_item (notice_id, obligation_id, revision, level, news) VALUES ('373397e5d0a50d79dc5d41af', 'dossier/000.00.12.H56-261120-0007', 2, 1, 'new');
INSERT INTO notify.notice_item (notice_id, obligation_id, revision, level, news) VALUES ('373397e5d0a50d79dc5d41af', 'dossier/B', 2, 1, 'new');
INSERT INTO notify.obligation (id, revision, doc, unit, unit_name, due_at, resolved, raised, raised_at, closed_at, calendar_days, escalation_revision, timer_at, trace, joint) VALUES ('dossier/C', 2, '{"end": null, "kind": "dossier", "unit": "H56.12", "field": "Đất đai", "flags": [], "state": "open", "title": null, "due_at": "2026-11-26T16:00:00+07:00", "holder": null, "parent": null, "source": "motcua-1", "timing": "on_time", "backlog": false, "because": null, "channel": null, "near_at": "2026-11-25T16:00:00+07:00", "due_from": "source", "ended_at": null, "heard_at": "2026-11-10T09:01:00+07:00", "revision": 2, "apologies": 0, "digitised": null, "late_days": 0, "procedure": "1.012753", "unit_code": null, "unit_name": null, "subject_id": "C", "accepted_at": "2026-11-10T09:00:00+07:00", "paid_online": null, "first_due_at": "2026-11-20T16:00:00+07:00", "holder_due_at": null, "obligation_id": "dossier/C", "first_ended_at": null, "paused_seconds": 0, "computed_due_at": null, "late_working_seconds": 0}', 'H56.12', '', '2026-11-26 09:00:00+00', NULL, -1, NULL, NULL, false, 0, '2026-11-25 09:00:00+00', '', false);
INSERT INTO notify.obligation (id, revision, doc, unit, unit_name, due_at, resolved, raised, raised_at, closed_at, calendar_days, escalation_revision, timer_at, trace, joint) VALUES ('dossier/000.00.12.H56-261120-0007', 2, '{"end": null, "kind": "dossier", "unit": "H56.12", "field": "Đất đai", "flags": [], "state": "open", "title": null, "due_at": "2026-11-20T16:00:00+07:00", "holder": null, "parent": null, "source": "motcua-1", "timing": "overdue", "backlog": false, "because": null, "channel": null, "near_at": null, "due_from": "source", "ended_at": null, "heard_at": "2026-11-10T09:01:00+07:00", "revision": 2, "apologies": 0, "digitised": null, "late_days": 0, "procedure": "1.012753", "unit_code": null, "unit_name": null, "subject_id": "000.00.12.H56-261120-0007", "accepted_at": "2026-11-10T09:00:00+07:00", "paid_online": null, "first_due_at": "2026-11-20T16:00:00+07:00", "holder_due_at": null, "obligation_id": "dossier/000.00.12.H56-261120-0007", "first_ended_at": null, "paused_seconds": 0, "computed_due_at": null, "late_working_seconds": 0}', 'H56.12', '', '2026-11-20 09:00:00+00', 'H56.12', 1, '2026-11-20 09:01:00+00', NULL, false, 1, '2026-11-25 09:00:00+00', '', false);
INSERT INTO notify.obligation (id, revision, doc, unit, unit_name, due_at, resolved, raised, raised_at, closed_at, calendar_days, escalation_revision, timer_at, trace, joint) VALUES ('dossier/B', 3, '{"end": "completed", "kind": "dossier", "unit": "H56.12", "field": "Đất đai", "flags": [], "state": "ended", "title": null, "due_at": "2026-11-20T16:00:00+07:00", "holder": null, "parent": null, "source": "motcua-1", "timing": "late", "backlog": false, "because": null, "channel": null, "near_at": null, "due_from": "source", "ended_at": "2026-11-23T07:30:00+07:00", "heard_at": "2026-11-10T09:01:00+07:00", "revision": 3, "apologies": 0, "digitised": null, "late_days": 0, "procedure": "1.012753", "unit_code": null, "unit_name": null, "subject_id": "B", "accepted_at": "2026-11-10T09:00:00+07:00", "paid_online": null, "first_due_at": "2026-11-20T16:00:00+07:00", "holder_due_at": null, "obligation_id": "dossier/B", "first_ended_at": null, "paused_seconds": 0, "computed_due_at": null, "late_working_seconds": 0}', 'H56.12', '', '2026-11-20 09:00:00+00', 'H56.12', -1, '2026-11-20 09:01:00+00', '2026-11-23 00:30:00+00', false, 2, NULL, '', false);
INSERT INTO notify.obligation (id, revision, doc, unit, unit_name, due_at, resolved, raised, raised_at, closed_at, calendar_days, escalation_revision, timer_at, trace, joint) VALUES ('dossier/D', 2, '{"end": null, "kind": "dossier", "unit": "14797", "field": "Đất đai", "flags": [], "state": "open", "title": null, "due_at": "2026-11-20T16:00:00+07:00", "holder": null, "parent": null, "source": "motcua-1", "timing": "overdue", "backlog": false, "because": null, "channel": null, "near_at": null, "due_from": "source", "ended_at": null, "heard_at": "2026-11-10T09:01:00+07:00", "revision": 2, "apologies": 0, "digitised": null, "late_days": 0, "procedure": "1.012753", "unit_code": null, "unit_name": null, "subject_id": "D", "accepted_at": "2026-11-10T09:00:00+07:00", "paid_online": null, "first_due_at": "2026-11-20T16:00:00+07:00", "holder_due_at": null, "obligation_id": "dossier/D", "first_ended_at": null, "paused_seconds": 0, "computed_due_at": null, "late_working_seconds": 0}', '14797', '', '2026-11-20 09:00:00+00', '14797', 1, '2026-11-23 01:00:00+00', NULL, false, 1, '2026-11-25 09:00:00+00', '', false);
INSERT INTO notify.reach (source, at) VALUES ('motcua-1', '2026-11-20 09:00:00+00');
INSERT INTO notify.tick (stream, at) VALUES ('DEADLINE', '2026-11-23 06:00:00+00');
INSERT INTO notify.tick (stream, at) VALUES ('INTAKE', '2026-11-23 06:00:00+00');
INSERT INTO notify.unit (code, revision, doc) VALUES ('14797', 1, '{"code": "14797", "kind": "phuong", "name": "Phường Hạc Thành", "email": "14797@example.vn", "phone": "0900 000 123", "posts": [], "active": true, "aliases": [], "revision": 1, "difficult": false, "head_name": null, "head_title": "Giám đốc Sở", "successors": [], "valid_from": null, "parent_code": "H56", "valid_until": null, "limited_aliases": []}');
INSERT INTO notify.unit (code, revision, doc) VALUES ('H56.12', 1, '{"code": "H56.12", "kind": "so", "name": "Sở Nông nghiệp và Môi trường", "email": "h56.12@example.vn", "phone": null, "posts": [], "active": true, "aliases": ["000.00.12.H56", "Sở NNMT"], "revision": 1, "difficult": false, "head_name": null, "head_title": "Giám đốc Sở", "successors": [], "valid_from": null, "parent_code": "H56", "valid_until": null, "limited_aliases": []}');
INSERT INTO notify.unit (code, revision, doc) VALUES ('TH-SNV', 1, '{"code": "TH-SNV", "kind": "so", "name": "Sở Nội vụ", "email": "th-snv@example.vn", "phone": null, "posts": [], "active": true, "aliases": [], "revision": 1, "difficult": false, "head_name": null, "head_title": "Giám đốc Sở", "successors": [], "valid_from": null, "parent_code": "H56", "valid_until": null, "limited_aliases": []}');
ALTER TABLE ONLY notify.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY notify.line
    ADD CONSTRAINT line_pkey PRIMARY KEY (obligation_id, role, former);
ALTER TABLE ONLY notify.notice_item
    ADD CONSTRAINT notice_item_pkey PRIMARY KEY (notice_id, obligation_id);
ALTER TABLE ONLY notify.notice
    ADD CONSTRAINT notice_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notify.obligation
    ADD CONSTRAINT obligation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notify.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notify.quarantine
    ADD CONSTRAINT quarantine_digest_key UNIQUE (digest);
ALTER TABLE ONLY notify.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notify.reach
    ADD CONSTRAINT reach_pkey PRIMARY KEY (source);
ALTER TABLE ONLY notify.tick
    ADD CONSTRAINT tick_pkey PRIMARY KEY (stream);
ALTER TABLE ONLY notify.unit
    ADD CONSTRAINT unit_pkey PRIMARY KEY (code);
CREATE INDEX line_post ON notify.line USING btree (post, level);
CREATE INDEX line_slot ON notify.line USING btree (slot_at, post) WHERE (news IS NOT NULL);
CREATE INDEX line_unplaced ON notify.line USING btree (obligation_id) WHERE ((news IS NOT NULL) AND ((post IS NULL) OR (slot_at IS NULL)));
CREATE INDEX notice_item_obligation ON notify.notice_item USING btree (obligation_id);
CREATE UNIQUE INDEX notice_of_slot ON notify.notice USING btree (post, slot, channel);
CREATE INDEX notice_slot ON notify.notice USING btree (slot, id);
CREATE INDEX notice_waiting ON notify.notice USING btree (next_try_at) WHERE (status = 'stored'::text);
CREATE INDEX obligation_raised ON notify.obligation USING btree (id) WHERE (raised > '-1'::integer);
CREATE INDEX obligation_timer ON notify.obligation USING btree (timer_at) WHERE (timer_at IS NOT NULL);
CREATE INDEX quarantine_waiting ON notify.quarantine USING btree (source, reason, waiting_since) WHERE (state = 'waiting'::text);
