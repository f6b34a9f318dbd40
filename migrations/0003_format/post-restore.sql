-- Schema 3: the format to which the store was finalized, that is, which events its log may hold. It belongs to the log:
-- it is not moved back with the data. One row at most; none is format 1.
create table boreal.format (
  one      text primary key check (one = ''),
  format   int not null check (format > 1),
  version  bigint not null
);

grant select on boreal.format to boreal_reader;
