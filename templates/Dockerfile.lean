# {{what}}, served by leanrepl {{version}}. Written by `leanrepl build-image`.
FROM {{base}} AS project
# So that what an unfinished build leaves can be told from what is others'.
LABEL {{label}}="{{version}}"
USER root
COPY leanrepl /usr/local/bin/leanrepl
{{project}}
# The REPL of this toolchain, and all that a running Lean reads, in a folder of its own.
ENV LEANREPL_CACHE_DIR=/opt/leanrepl-cache
RUN {{build}}
{{library}}
RUN ["leanrepl", "gather", "--project", "/project", "--into", "/opt/leanrepl"{{keep_all}}]

FROM {{runtime}}
LABEL {{label}}="{{version}}"
USER root
COPY --from=project /opt/leanrepl /opt/leanrepl
COPY leanrepl /usr/local/bin/leanrepl
ENV LEAN_PATH=/opt/leanrepl/modules \
    LEAN_SYSROOT=/opt/leanrepl/toolchain \
    LD_LIBRARY_PATH=/opt/leanrepl/lib \
    LEANREPL_CACHE_DIR=/tmp/leanrepl \
    LEAN_SERVER_HOST=0.0.0.0 \
    LEAN_SERVER_PORT={{port}} \
    HOME=/tmp
WORKDIR /tmp
# Proven in a fresh process, with nothing but what is in this image; without a pickle there is no image.
RUN leanrepl pickle --repl /opt/leanrepl/repl --import {{import}} --output {{pickle}} \
        --import-timeout 30m --memory {{memory}} \
    && rm -rf /tmp/leanrepl
USER {{user}}
EXPOSE {{port}}
HEALTHCHECK --interval=30s --timeout=5s --start-period={{start_period}} CMD ["leanrepl", "probe", "--path", "/ready"]
LABEL {{labels}}
ENTRYPOINT {{entrypoint}}
