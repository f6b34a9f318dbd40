-- Back to schema 2, whose builds know format 1 only: they could not read the log of a store that was finalized.
do $$
begin
  if exists (select from boreal.format) then
    raise exception 'the store was finalized to format %, which builds of schema 2 do not know', (select format from boreal.format);
  end if;
end
$$;

drop table boreal.format;
