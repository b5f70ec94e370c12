# By hand from here on, but for the end: completions/parts/command.zsh.

# Where COMMAND begins, its own completion goes on. With --chart, its files.
_recycle_command() {
    if (( $+opt_args[--chart] )); then
        _files
    else
        _normal
    fi
}

_recycle_traffic() {
    _sequence compadd - @TRAFFIC@
}

_recycle_map_signal() {
    if compset -P '*:'; then
        compadd - none recycle @SIGNALS@
    else
        compadd -S : - @CAUGHT@
    fi
}

_recycle_metrics() {
    if compset -P prom:; then
        _files
    else
        compadd -S '' - statsd:// prom:
    fi
}

