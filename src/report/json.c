/* The report as data: everything it was built from, the sections with facts, texts and what is
 * still asked for. And its timeline as CSV, for a spreadsheet. */
#include "core/mem.h"
#include "report/report.h"

static void block_json(struct jw *w, const struct report_block *v)
{
	static const char *const kinds[] = { "text", "item", "unknown", "head", "table" };

	jw_obj(w, NULL);
	jw_str(w, "kind", kinds[v->kind]);
	jw_str(w, "text", v->text);
	if (v->kind == BLOCK_TABLE) {
		jw_arr(w, "rows");
		for (size_t i = 0; i < v->n_cells; i++) {
			const char *cell = v->cells[i];

			if (i % v->columns == 0)
				jw_arr(w, NULL);
			jw_str(w, NULL, i < v->columns && *cell == '#' ? cell + 1 : cell);
			if (i % v->columns == v->columns - 1)
				jw_arr_end(w);
		}
		jw_arr_end(w);
	}
	jw_obj_end(w);
}

static void section_json(struct jw *w, const struct report *r, const struct report_part *part)
{
	enum report_section s = part->section;
	const struct review_text *text = report_text(r, s, false, 0), *aside;
	struct report_blocks b;

	jw_obj(w, NULL);
	jw_str(w, "id", enum_name(&report_section_names, (int)s));
	jw_str(w, "title", part->title);
	jw_arr(w, "asks");
	for (const char *const *ask = report_section_asks(s); *ask; ask++)
		jw_str(w, NULL, *ask);
	jw_arr_end(w);
	jw_i64(w, "version", text ? text->version : 0);
	jw_str(w, "text", text ? text->text : NULL);
	jw_str(w, "by", text ? text->by : NULL);
	jw_time(w, "at", text ? text->at_ms : 0);
	jw_arr(w, "aside");
	for (size_t n = 0; (aside = report_text(r, s, true, n)); n++)
		record_json(w, NULL, &review_text_type, aside);
	jw_arr_end(w);
	report_facts(r, s, &b);
	jw_arr(w, "facts");
	for (size_t i = 0; i < b.n; i++)
		block_json(w, &b.v[i]);
	jw_arr_end(w);
	report_blocks_fini(&b);
	jw_obj_end(w);
}

static void figures(struct jw *w, const struct report *r)
{
	jw_obj(w, "times");
	for (int k = 0; k < TIME_KINDS; k++) {
		int64_t ms = incident_time(&r->doc.incident, (enum time_kind)k);

		if (ms == TIME_MISSING)
			jw_null(w, enum_name(&time_kind_names, k));
		else
			jw_i64(w, enum_name(&time_kind_names, k), ms);
	}
	jw_obj_end(w);
	jw_arr(w, "severityTimes");
	for (size_t i = 0; i < r->n_severities; i++) {
		jw_obj(w, NULL);
		jw_str(w, "severity", r->severities[i].severity);
		jw_i64(w, "ms", r->severities[i].ms);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_obj(w, "impact");
	jw_i64(w, "agentsFailing", r->agents_failing);
	jw_i64(w, "agents", r->agents_all);
	jw_i64(w, "orgs", r->orgs_all);
	records_json(w, "traffic", &review_traffic_type, r->traffic, COUNT_OF(r->traffic));
	records_json(w, "worstOrgs", &review_org_type, r->orgs, r->n_orgs);
	jw_obj_end(w);
}

static void sections(struct jw *w, const struct report *r)
{
	jw_time(w, "madeAt", r->now_ms);
	jw_str(w, "review", enum_name(&review_state_names, r->doc.incident.review));
	records_json(w, "signatures", &review_sign_type, r->signs, r->n_signs);
	incident_doc_json(w, "incident", &r->doc);
	jw_arr(w, "sections");
	for (size_t i = 0; i < r->n_parts; i++)
		section_json(w, r, &r->parts[i]);
	jw_arr_end(w);
	figures(w, r);
}

void report_sections_json(const struct report *r, struct str *out)
{
	struct jw w = JW(out);

	jw_obj(&w, NULL);
	sections(&w, r);
	jw_obj_end(&w);
}

void report_json(const struct report *r, struct str *out)
{
	struct jw w = JW(out);

	jw_obj(&w, NULL);
	sections(&w, r);
	records_json(&w, "events", &review_event_type, r->events, r->n_events);
	records_json(&w, "runs", &review_run_type, r->runs, r->n_runs);
	records_json(&w, "health", &review_health_type, r->health, r->n_health);
	records_json(&w, "slices", &review_slice_type, r->slices, r->n_slices);
	records_json(&w, "timeline", &timeline_entry_type, r->entries, r->n_entries);
	jw_bool(&w, "timelineCut", r->cut);
	jw_obj_end(&w);
	str_addc(out, '\n');
}

/* Quoted, and never a formula for the program that opens it. */
static void csv_cell(struct str *out, const char *text, bool last)
{
	_cleanup_(free_p) char *clean = text_clean(text ? text : "", 0);

	str_addc(out, '"');
	if (*clean == '=' || *clean == '+' || *clean == '-' || *clean == '@')
		str_addc(out, '\'');
	for (const char *p = clean; *p; p++) {
		if (*p == '"')
			str_addc(out, '"');
		str_addc(out, *p);
	}
	str_add(out, last ? "\"\r\n" : "\",");
}

void report_csv(const struct report *r, struct str *out)
{
	static const char *const columns[] = { "happenedAt", "recordedAt", "until",   "lane",
					       "kind",       "actor",      "subject", "text",
					       "original",   "doubt",      "link",    "pinned",
					       "id" };

	for (size_t c = 0; c < COUNT_OF(columns); c++)
		str_addf(out, "%s%s", columns[c], c + 1 < COUNT_OF(columns) ? "," : "\r\n");
	for (size_t i = 0; i < r->n_entries; i++) {
		for (size_t c = 0; c < COUNT_OF(columns); c++) {
			const struct field *f = record_field(&timeline_entry_type, columns[c]);
			struct str b = STR_INIT(1 << 20);
			char iso[TIME_TEXT];
			int64_t ms;

			if (f->type == F_TIME) {
				ms = *(const int64_t *)field_at(f, &r->entries[i]);
				str_add(&b, ms ? format_time(iso, ms) : "");
			} else if (f->type != F_STR ||
			           *(char *const *)field_at(f, &r->entries[i])) {
				record_text(f, &r->entries[i], &b);
			}
			csv_cell(out, str_get(&b), c + 1 == COUNT_OF(columns));
			str_fini(&b);
		}
	}
}
