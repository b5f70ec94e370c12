complete -c recycle -n __recycle_options -l idle -d 'Recycle when traffic has been idle this long' -r -f
complete -c recycle -n __recycle_options -l max-rss -d 'Recycle when resident memory exceeds this' -r -f
complete -c recycle -n __recycle_options -l max-pss -d 'The same, but count shared pages once' -r -f
complete -c recycle -n __recycle_options -l kill-rss -d 'Kill at once when memory exceeds this' -r -f
complete -c recycle -n __recycle_options -l max-lifetime -d 'Recycle when COMMAND has run this long' -r -f
complete -c recycle -n __recycle_options -l jitter -d 'Randomly shorten lifetimes' -r -f
complete -c recycle -n __recycle_options -l min-lifetime -d 'Do not recycle before this age' -r -f
complete -c recycle -n __recycle_options -l quiet -d 'Delay memory and lifetime recycles until traffic has been quiet this long' -r -f
complete -c recycle -n __recycle_options -l quiet-wait -d 'Longest delay by --quiet' -r -f
complete -c recycle -n __recycle_options -l traffic -d 'What counts: stdin, sockets, tcp, udp, unix, inbound, port:N, !port:N' -r -f
complete -c recycle -n __recycle_options -l idle-floor -d 'Ignore up to this much TCP payload per idle window: SIZE, SIZE/conn or auto' -r -f
complete -c recycle -n __recycle_options -l settle -d 'Ignore COMMAND\'s own connections this long after each start' -r -f
complete -c recycle -n __recycle_options -l idle-cpu -d 'CPU usage above this counts as busy' -r -f
complete -c recycle -n __recycle_options -l stdin -d 'Mode: inherit or lines' -r -f -a "inherit\t''
lines\t''"
complete -c recycle -n __recycle_options -l max-line -d 'Split longer lines' -r -f
complete -c recycle -n __recycle_options -l drain-timeout -d 'Before a stop, close COMMAND\'s input and wait this long for it to finish' -r -f
complete -c recycle -n __recycle_options -l eof-timeout -d 'After the end of input, give COMMAND this long, then stop it and exit' -r -f
complete -c recycle -n __recycle_options -l stop-signal -d 'Signal for a planned stop' -r -f -a "HUP\t''
INT\t''
QUIT\t''
ILL\t''
TRAP\t''
ABRT\t''
BUS\t''
FPE\t''
KILL\t''
USR1\t''
SEGV\t''
USR2\t''
PIPE\t''
ALRM\t''
TERM\t''
STKFLT\t''
CHLD\t''
CONT\t''
STOP\t''
TSTP\t''
TTIN\t''
TTOU\t''
URG\t''
XCPU\t''
XFSZ\t''
VTALRM\t''
PROF\t''
WINCH\t''
IO\t''
PWR\t''
SYS\t''"
complete -c recycle -n __recycle_options -l stop-timeout -d 'Then kill after this long' -r -f
complete -c recycle -n __recycle_options -l pre-stop -d 'Run a shell command before the signal' -r -f -a "(__fish_complete_command)"
complete -c recycle -n __recycle_options -l pre-stop-timeout -d 'Time limit of --pre-stop' -r -f
complete -c recycle -n __recycle_options -l then -d 'After a stop: restart, exit[:STATUS], command, or wait' -r -f -a "restart\t''
exit\t''
command\t''
wait\t''"
complete -c recycle -n __recycle_options -l signal-scope -d 'Send signals to child or group' -r -f -a "child\t''
group\t''"
complete -c recycle -n __recycle_options -l map-signal -d 'Forward FROM as TO: a signal, none or recycle' -r -f
complete -c recycle -n __recycle_options -l chdir -d 'Start COMMAND in this directory, resolved again for each generation' -r -f
complete -c recycle -n __recycle_options -l restart -d 'Restart it: never, on-failure or always' -r -f -a "never\t''
on-failure\t''
always\t''"
complete -c recycle -n __recycle_options -l max-restarts -d 'Give up above this rate' -r -f
complete -c recycle -n __recycle_options -l backoff -d 'Restart delay, doubling' -r -f
complete -c recycle -n __recycle_options -l log-format -d 'text, json or logfmt, on stderr' -r -f -a "text\t''
json\t''
logfmt\t''"
complete -c recycle -n __recycle_options -l sample-every -d 'Log memory and traffic this often' -r -f
complete -c recycle -n __recycle_options -l metrics -d 'Export metrics: statsd://HOST:PORT[/PREFIX] or prom:FILE' -r -f
complete -c recycle -n __recycle_options -l on-event -d 'Run a shell command on each important event' -r -f -a "(__fish_complete_command)"
complete -c recycle -n __recycle_options -l name -d 'Name used in logs and metrics' -r -f
complete -c recycle -n __recycle_options -l chart -d 'Draw JSON logs: recycle --chart LOG... > F.svg'
complete -c recycle -n __recycle_options -s q -l quiet-log -d 'Log errors only'
complete -c recycle -n __recycle_options -s v -l verbose -d 'Log the reason for each decision'
complete -c recycle -n __recycle_options -l observe -d 'Recycle nothing: log what would be recycled, and suggest limits'
complete -c recycle -n __recycle_options -l explain -d 'Print what would happen here; run nothing'
complete -c recycle -n __recycle_options -s h -l help -d 'Print the common options (-h) or all (--help)'
complete -c recycle -n __recycle_options -s V -l version -d 'Print the version'

# From here on by hand: completions/parts/command.fish.

# The words from COMMAND to before the cursor, once it has begun.
function __recycle_command
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                string join0 -- $words
                return 0
            case '-*'
                if contains -- $words[1] --idle --max-rss --max-pss --kill-rss --max-lifetime --jitter --min-lifetime --quiet --quiet-wait --traffic --idle-floor --settle --idle-cpu --stdin --max-line --drain-timeout --eof-timeout --stop-signal --stop-timeout --pre-stop --pre-stop-timeout --then --signal-scope --map-signal --chdir --restart --max-restarts --backoff --log-format --sample-every --metrics --on-event --name
                    set -e words[1]
                end
            case '*'
                string join0 -- $words
                return 0
        end
        set -e words[1]
    end
    return 1
end

function __recycle_options
    not __recycle_command >/dev/null
end

# What is known of COMMAND goes on, as if it stood there alone.
function __recycle_complete_command
    set -l words (__recycle_command | string split0 | string escape) (commandline -ct)
    # An option is none.
    string match -q -- '-*' $words[1]
    or complete -C (string join ' ' -- $words)
end

function __recycle_map_signal
    if string match -q '*:*' -- (commandline -ct)
        string replace -r ':.*' '' -- (commandline -ct) | read -l from
        printf '%s\n' $from:{none,recycle,HUP,INT,QUIT,ILL,TRAP,ABRT,BUS,FPE,KILL,USR1,SEGV,USR2,PIPE,ALRM,TERM,STKFLT,CHLD,CONT,STOP,TSTP,TTIN,TTOU,URG,XCPU,XFSZ,VTALRM,PROF,WINCH,IO,PWR,SYS}
    else
        printf '%s:\n' HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS
    end
end

complete -c recycle -n 'not __fish_contains_opt chart' -x -a '(__recycle_complete_command)'
complete -c recycle -n '__fish_contains_opt chart' -F
complete -c recycle -n __recycle_options -l map-signal -x -a '(__recycle_map_signal)'
complete -c recycle -n __recycle_options -l metrics -x -a 'statsd:// prom:'
complete -c recycle -n __recycle_options -l traffic -x \
    -a '(__fish_complete_list , "printf %s\\\\n stdin sockets tcp udp unix inbound")'
