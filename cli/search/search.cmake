# index, search and dedup. Where an index can be kept is optional, each: pkg-config finds it, or the commands say so.
target_sources(vit_command_internal PRIVATE
  search/index.c search/search.c search/dedup.c
  search/store.c search/pin.c search/sync.c search/catalogue.c search/file_facts.c search/query.c search/filter.c search/where.c search/fusion.c
  search/nearest.c search/shortlist.c search/vector_file.c search/groups.c search/parallel.c search/html.c search/thumbnail.c)
target_link_libraries(vit_command_internal PRIVATE PkgConfig::JPEG)

pkg_check_modules(SQLITE IMPORTED_TARGET sqlite3>=3.35)
if(SQLITE_FOUND)
  target_sources(vit_command_internal PRIVATE search/store_sqlite.c search/sqlite_search.c)
  target_compile_definitions(vit_command_internal PRIVATE CLI_WITH_SQLITE)
  target_link_libraries(vit_command_internal PRIVATE PkgConfig::SQLITE)
else()
  message(STATUS "SQLite not found: vit keeps no index in a file (apt-get install libsqlite3-dev)")
endif()

pkg_check_modules(POSTGRES IMPORTED_TARGET libpq)
if(POSTGRES_FOUND)
  target_sources(vit_command_internal PRIVATE search/store_postgres.c search/postgres_search.c search/libpq.c)
  target_compile_definitions(vit_command_internal PRIVATE CLI_WITH_POSTGRES)
  # Its header alone: libpq.c loads the library when it is wanted.
  target_include_directories(vit_command_internal PRIVATE ${POSTGRES_INCLUDE_DIRS})
else()
  message(STATUS "libpq not found: vit keeps no index in PostgreSQL (apt-get install libpq-dev)")
endif()
