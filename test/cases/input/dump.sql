--
-- PostgreSQL database dump
--

\restrict 6MtMRuWgW7zxx3fCbDiHnPlSbD6PqeuceNS6WM92XBgs2bqvNBD79WrV9uGyJUu

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: app; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA app;


--
-- Name: mood; Type: TYPE; Schema: app; Owner: -
--

CREATE TYPE app.mood AS ENUM (
    'happy',
    'it''s ok'
);


--
-- Name: f(integer); Type: FUNCTION; Schema: app; Owner: -
--

CREATE FUNCTION app.f(a integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$ begin
  if a > 1 then delete from app.person where id = a; return 1; end if;
  return (select count(*) from app.person);
end; $$;


--
-- Name: sqlf(integer); Type: FUNCTION; Schema: app; Owner: -
--

CREATE FUNCTION app.sqlf(a integer) RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT (a + 1);
 SELECT 2;
END;


--
-- Name: trg(); Type: FUNCTION; Schema: app; Owner: -
--

CREATE FUNCTION app.trg() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ begin new.note := coalesce(new.note,''); return new; end $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: child; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.child (
    id integer,
    t text,
    CONSTRAINT child_t_check CHECK ((t <> ';'::text))
);


--
-- Name: person; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.person (
    id integer NOT NULL,
    name text NOT NULL,
    note text,
    mood app.mood,
    blob bytea,
    j jsonb,
    arr integer[],
    ts timestamp with time zone DEFAULT '2026-01-01 00:00:00+00'::timestamp with time zone
);


--
-- Name: TABLE person; Type: COMMENT; Schema: app; Owner: -
--

COMMENT ON TABLE app.person IS 'people; it''s $1';


--
-- Name: person_id_seq; Type: SEQUENCE; Schema: app; Owner: -
--

CREATE SEQUENCE app.person_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: person_id_seq; Type: SEQUENCE OWNED BY; Schema: app; Owner: -
--

ALTER SEQUENCE app.person_id_seq OWNED BY app.person.id;


--
-- Name: s; Type: SEQUENCE; Schema: app; Owner: -
--

CREATE SEQUENCE app.s
    START WITH 7
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: v; Type: VIEW; Schema: app; Owner: -
--

CREATE VIEW app.v AS
 SELECT person.id,
    person.name
   FROM app.person
  WHERE (person.note ~~ '%;%'::text);


--
-- Name: person id; Type: DEFAULT; Schema: app; Owner: -
--

ALTER TABLE ONLY app.person ALTER COLUMN id SET DEFAULT nextval('app.person_id_seq'::regclass);


--
-- Data for Name: child; Type: TABLE DATA; Schema: app; Owner: -
--

COPY app.child (id, t) FROM stdin;
1	row 1
2	row 2
3	row 3
4	row 4
5	row 5
6	row 6
7	row 7
8	row 8
9	row 9
10	row 10
\.


--
-- Data for Name: person; Type: TABLE DATA; Schema: app; Owner: -
--

COPY app.person (id, name, note, mood, blob, j, arr, ts) FROM stdin;
1	n1	select 1; drop table x	it's ok	\\xc4ca4238a0b923820dcc509a6f75849b	{"k": 1, "s": "q\\"uo'te"}	{1,2}	2026-01-01 00:00:00+00
2	n2	select 1; drop table x	it's ok	\\xc81e728d9d4c2f636f067f89cc14862c	{"k": 2, "s": "q\\"uo'te"}	{2,3}	2026-01-01 00:00:00+00
3	n3	it's; a "note"\nwith\tlines \\ and $tags$ 	it's ok	\\xeccbc87e4b5ce2fe28308fd9f2a7baf3	{"k": 3, "s": "q\\"uo'te"}	{3,4}	2026-01-01 00:00:00+00
4	n4	select 1; drop table x	it's ok	\\xa87ff679a2f3e71d9181a67b7542122c	{"k": 4, "s": "q\\"uo'te"}	{4,5}	2026-01-01 00:00:00+00
5	n5	\N	it's ok	\\xe4da3b7fbbce2345d7772b0674a318d5	{"k": 5, "s": "q\\"uo'te"}	{5,6}	2026-01-01 00:00:00+00
6	n6	it's; a "note"\nwith\tlines \\ and $tags$ 	it's ok	\\x1679091c5a880faf6fb5e6087eb1b2dc	{"k": 6, "s": "q\\"uo'te"}	{6,7}	2026-01-01 00:00:00+00
7	n7	select 1; drop table x	it's ok	\\x8f14e45fceea167a5a36dedd4bea2543	{"k": 7, "s": "q\\"uo'te"}	{7,8}	2026-01-01 00:00:00+00
8	n8	select 1; drop table x	it's ok	\\xc9f0f895fb98ab9159f51fd0297e236d	{"k": 8, "s": "q\\"uo'te"}	{8,9}	2026-01-01 00:00:00+00
9	n9	it's; a "note"\nwith\tlines \\ and $tags$ 	it's ok	\\x45c48cce2e2d7fbdea1afc51c7c6ad26	{"k": 9, "s": "q\\"uo'te"}	{9,10}	2026-01-01 00:00:00+00
10	n10	\N	it's ok	\\xd3d9446802a44259755d38e6d163e820	{"k": 10, "s": "q\\"uo'te"}	{10,11}	2026-01-01 00:00:00+00
11	n11	select 1; drop table x	it's ok	\\x6512bd43d9caa6e02c990b0a82652dca	{"k": 11, "s": "q\\"uo'te"}	{11,12}	2026-01-01 00:00:00+00
12	n12	it's; a "note"\nwith\tlines \\ and $tags$ 	it's ok	\\xc20ad4d76fe97759aa27a0c99bff6710	{"k": 12, "s": "q\\"uo'te"}	{12,13}	2026-01-01 00:00:00+00
13	n13	select 1; drop table x	it's ok	\\xc51ce410c124a10e0db5e4b97fc2af39	{"k": 13, "s": "q\\"uo'te"}	{13,14}	2026-01-01 00:00:00+00
14	n14	select 1; drop table x	it's ok	\\xaab3238922bcc25a6f606eb525ffdc56	{"k": 14, "s": "q\\"uo'te"}	{14,15}	2026-01-01 00:00:00+00
15	n15	it's; a "note"\nwith\tlines \\ and $tags$ 	it's ok	\\x9bf31c7ff062936a96d3c8bd1f8f2ff3	{"k": 15, "s": "q\\"uo'te"}	{15,16}	2026-01-01 00:00:00+00
16	n16	select 1; drop table x	it's ok	\\xc74d97b01eae257e44aa9d5bade97baf	{"k": 16, "s": "q\\"uo'te"}	{16,17}	2026-01-01 00:00:00+00
17	n17	select 1; drop table x	it's ok	\\x70efdf2ec9b086079795c442636b55fb	{"k": 17, "s": "q\\"uo'te"}	{17,18}	2026-01-01 00:00:00+00
18	n18	it's; a "note"\nwith\tlines \\ and $tags$ 	it's ok	\\x6f4922f45568161a8cdf4ad2299f6d23	{"k": 18, "s": "q\\"uo'te"}	{18,19}	2026-01-01 00:00:00+00
19	n19	select 1; drop table x	it's ok	\\x1f0e3dad99908345f7439f8ffabdffc4	{"k": 19, "s": "q\\"uo'te"}	{19,20}	2026-01-01 00:00:00+00
20	n20	\N	it's ok	\\x98f13708210194c475687be6106a3b84	{"k": 20, "s": "q\\"uo'te"}	{20,21}	2026-01-01 00:00:00+00
\.


--
-- Name: person_id_seq; Type: SEQUENCE SET; Schema: app; Owner: -
--

SELECT pg_catalog.setval('app.person_id_seq', 20, true);


--
-- Name: s; Type: SEQUENCE SET; Schema: app; Owner: -
--

SELECT pg_catalog.setval('app.s', 7, false);


--
-- Name: person person_pkey; Type: CONSTRAINT; Schema: app; Owner: -
--

ALTER TABLE ONLY app.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (id);


--
-- Name: person_name_idx; Type: INDEX; Schema: app; Owner: -
--

CREATE INDEX person_name_idx ON app.person USING btree (name);


--
-- Name: child r; Type: RULE; Schema: app; Owner: -
--

CREATE RULE r AS
    ON DELETE TO app.child DO INSTEAD NOTHING;


--
-- Name: person t; Type: TRIGGER; Schema: app; Owner: -
--

CREATE TRIGGER t BEFORE INSERT ON app.person FOR EACH ROW EXECUTE FUNCTION app.trg();


--
-- Name: child child_id_fkey; Type: FK CONSTRAINT; Schema: app; Owner: -
--

ALTER TABLE ONLY app.child
    ADD CONSTRAINT child_id_fkey FOREIGN KEY (id) REFERENCES app.person(id);


--
-- PostgreSQL database dump complete
--

\unrestrict 6MtMRuWgW7zxx3fCbDiHnPlSbD6PqeuceNS6WM92XBgs2bqvNBD79WrV9uGyJUu

