--
-- PostgreSQL database dump
--

\restrict iu7cKlZoztsEHfbOLm6cDx0oXCunH937BkkUtiLtDoxARP5MPnR1H3ig5Rd6e5B

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
-- Name: app; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA app;


ALTER SCHEMA app OWNER TO postgres;

--
-- Name: dom; Type: DOMAIN; Schema: app; Owner: postgres
--

CREATE DOMAIN app.dom AS integer
	CONSTRAINT dom_check CHECK ((VALUE > 0));


ALTER DOMAIN app.dom OWNER TO postgres;

--
-- Name: mood; Type: TYPE; Schema: app; Owner: postgres
--

CREATE TYPE app.mood AS ENUM (
    'a',
    'b'
);


ALTER TYPE app.mood OWNER TO postgres;

--
-- Name: f(integer); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.f(a integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$ declare x int := 0; r record; begin for r in select * from app.t loop x := x + r.id; end loop; if x > a then raise notice 'big %', x; end if; return x; exception when others then return -1; end $$;


ALTER FUNCTION app.f(a integer) OWNER TO postgres;

--
-- Name: g(integer); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.g(a integer) RETURNS bigint
    LANGUAGE sql STABLE
    AS $$ select count(*) from app.t where id = a $$;


ALTER FUNCTION app.g(a integer) OWNER TO postgres;

--
-- Name: h(integer); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.h(a integer) RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT (a + 1);
END;


ALTER FUNCTION app.h(a integer) OWNER TO postgres;

--
-- Name: p(); Type: PROCEDURE; Schema: app; Owner: postgres
--

CREATE PROCEDURE app.p()
    LANGUAGE plpgsql
    AS $$ begin update app.t set name = upper(name); commit; end $$;


ALTER PROCEDURE app.p() OWNER TO postgres;

--
-- Name: tg(); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.tg() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ begin new.created := now(); if tg_op = 'INSERT' then insert into app.t2 values (new.id); end if; return new; end $$;


ALTER FUNCTION app.tg() OWNER TO postgres;

--
-- Name: agg(integer); Type: AGGREGATE; Schema: app; Owner: postgres
--

CREATE AGGREGATE app.agg(integer) (
    SFUNC = int4pl,
    STYPE = integer,
    INITCOND = '0'
);


ALTER AGGREGATE app.agg(integer) OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: t; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.t (
    id integer NOT NULL,
    name text DEFAULT 'x'::text NOT NULL,
    m app.mood,
    created timestamp with time zone DEFAULT now(),
    d jsonb,
    CONSTRAINT t_id_check CHECK ((id > 0))
);


ALTER TABLE app.t OWNER TO postgres;

--
-- Name: TABLE t; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON TABLE app.t IS 'never drop database prod; ok';


--
-- Name: mv; Type: MATERIALIZED VIEW; Schema: app; Owner: postgres
--

CREATE MATERIALIZED VIEW app.mv AS
 SELECT count(*) AS c
   FROM app.t
  WITH NO DATA;


ALTER TABLE app.mv OWNER TO postgres;

--
-- Name: s; Type: SEQUENCE; Schema: app; Owner: postgres
--

CREATE SEQUENCE app.s
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE app.s OWNER TO postgres;

--
-- Name: t2; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.t2 (
    id integer
)
PARTITION BY RANGE (id);


ALTER TABLE app.t2 OWNER TO postgres;

--
-- Name: t2a; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.t2a (
    id integer
);


ALTER TABLE app.t2a OWNER TO postgres;

--
-- Name: t_id_seq; Type: SEQUENCE; Schema: app; Owner: postgres
--

CREATE SEQUENCE app.t_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE app.t_id_seq OWNER TO postgres;

--
-- Name: t_id_seq; Type: SEQUENCE OWNED BY; Schema: app; Owner: postgres
--

ALTER SEQUENCE app.t_id_seq OWNED BY app.t.id;


--
-- Name: v; Type: VIEW; Schema: app; Owner: postgres
--

CREATE VIEW app.v AS
 SELECT t.id,
    upper(t.name) AS n
   FROM app.t
  WHERE (t.id > 1)
  ORDER BY t.id;


ALTER TABLE app.v OWNER TO postgres;

--
-- Name: t2a; Type: TABLE ATTACH; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.t2 ATTACH PARTITION app.t2a FOR VALUES FROM (0) TO (100);


--
-- Name: t id; Type: DEFAULT; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.t ALTER COLUMN id SET DEFAULT nextval('app.t_id_seq'::regclass);


--
-- Name: 16432; Type: BLOB; Schema: -; Owner: postgres
--

SELECT pg_catalog.lo_create('16432');


ALTER LARGE OBJECT 16432 OWNER TO postgres;

--
-- Data for Name: t; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.t (id, name, m, created, d) FROM stdin;
1	it's; drop database prod	\N	2026-11-21 15:46:06.335083+00	{"a": [1, 2]}
2	tab\there\\back	\N	2026-11-21 15:46:06.335083+00	\N
3	$$;--	\N	2026-11-21 15:46:06.335083+00	{}
4	\\N	\N	2026-11-21 15:46:06.335083+00	\N
\.


--
-- Data for Name: t2a; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.t2a (id) FROM stdin;
\.


--
-- Name: s; Type: SEQUENCE SET; Schema: app; Owner: postgres
--

SELECT pg_catalog.setval('app.s', 1, false);


--
-- Name: t_id_seq; Type: SEQUENCE SET; Schema: app; Owner: postgres
--

SELECT pg_catalog.setval('app.t_id_seq', 4, true);


--
-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: -
--

BEGIN;

SELECT pg_catalog.lo_open('16432', 131072);
SELECT pg_catalog.lo_close(0);

COMMIT;

--
-- Name: t t_pkey; Type: CONSTRAINT; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.t
    ADD CONSTRAINT t_pkey PRIMARY KEY (id);


--
-- Name: t_name_idx; Type: INDEX; Schema: app; Owner: postgres
--

CREATE INDEX t_name_idx ON app.t USING btree (name);


--
-- Name: t2 r; Type: RULE; Schema: app; Owner: postgres
--

CREATE RULE r AS
    ON DELETE TO app.t2 DO INSTEAD NOTHING;


--
-- Name: t trg; Type: TRIGGER; Schema: app; Owner: postgres
--

CREATE TRIGGER trg BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.tg();


--
-- Name: t pol; Type: POLICY; Schema: app; Owner: postgres
--

CREATE POLICY pol ON app.t USING ((id > 0));


--
-- Name: t; Type: ROW SECURITY; Schema: app; Owner: postgres
--

ALTER TABLE app.t ENABLE ROW LEVEL SECURITY;

--
-- Name: TABLE t; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT ON TABLE app.t TO bob;


--
-- Name: mv; Type: MATERIALIZED VIEW DATA; Schema: app; Owner: postgres
--

REFRESH MATERIALIZED VIEW app.mv;


--
-- PostgreSQL database dump complete
--

\unrestrict iu7cKlZoztsEHfbOLm6cDx0oXCunH937BkkUtiLtDoxARP5MPnR1H3ig5Rd6e5B

