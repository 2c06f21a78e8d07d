# Sourced by tests/Peers/install and benchmarks/install: Debian packages and npm packages. Quick when there is nothing to do.
# Who sources it has say() and the array packages.

missing_packages() {
    local package
    for package in "${packages[@]}"; do
        [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            echo "$package"
    done
}

with_retries() {
    local attempt
    for attempt in 1 2 3 4 5; do
        "$@" && return
        say "'$*' failed (attempt $attempt of 5)"
        ((attempt == 5)) || sleep $((attempt * 3))
    done
    return 1
}

# Debian starts a server when its package is installed, unless this file says no (see policy-rc.d's manual). In a shell of its
# own, so that the file goes again however that shell ends.
policy=/usr/sbin/policy-rc.d
without_services() (
    if [[ ! -e $policy ]]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    "$@"
)

# As root; otherwise it says which are missing.
install_packages() {
    local missing apt
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]} == 0)) && return
    apt=(apt-get --yes --no-install-recommends install "${missing[@]}")
    if ! command -v apt-get >/dev/null; then
        say "no apt-get here; install what Debian calls: ${missing[*]}"
        return 1
    fi
    if ((EUID != 0)); then
        say "not root, so install these by hand, then run this again:"
        say "    sudo apt-get update && sudo ${apt[*]}"
        return 1
    fi
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    with_retries apt-get --quiet update >&2
    with_retries without_services "${apt[@]:0:1}" --quiet -o DPkg::Lock::Timeout=300 "${apt[@]:1}" >&2
}

install_node_modules() { # install_node_modules FOLDER: what its lock file says
    local mark=node_modules/.installed-from
    cd "$1"
    cmp --silent package-lock.json "$mark" && return
    if ! command -v npm >/dev/null; then
        say "'npm' was not found on PATH; install Node.js 20 or later with npm"
        return 1
    fi
    with_retries npm ci --loglevel=error >&2
    cp package-lock.json "$mark"
}
