# index, search and dedup, on libvitindex.
target_sources(vit_command_internal PRIVATE
  search/index.c search/search.c search/dedup.c
  search/place.c search/pin.c search/query.c search/filter.c search/html.c search/thumbnail.c)
target_link_libraries(vit_command_internal PUBLIC vitindex_static PRIVATE PkgConfig::JPEG)
