#!/bin/sh
# Take out of the image's base what builds software, what installs it, and what nobody reads there. Run by
# deploy/Dockerfile as root, on the official Python image as well as on one made of Debian's Python.
set -eu

# Debian's own Python brings its tools as packages; those that are not there are passed over.
tools="python3-pip python3-pip-whl python3-venv python3.11-venv python3-setuptools python3-setuptools-whl python3-wheel
    python3-pkg-resources python3-distutils python3-lib2to3"
for tool in $tools; do
    if dpkg-query --show "$tool" >/dev/null 2>&1; then
        dpkg --purge --force-depends "$tool" >/dev/null 2>&1
    fi
done

# The official image's Python stands in /usr/local, unknown to dpkg.
for library in /usr/lib/python3* /usr/local/lib/python3*; do
    rm -rf "$library"/ensurepip "$library"/idlelib "$library"/lib2to3 "$library"/pydoc_data "$library"/test \
        "$library"/tkinter "$library"/turtledemo "$library"/config-3*
done
rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/include /usr/local/share/man \
    /usr/local/bin/2to3* /usr/local/bin/idle* /usr/local/bin/pip* /usr/local/bin/pydoc* /usr/local/bin/wheel \
    /usr/local/bin/python*-config /usr/local/lib/pkgconfig

# Copyright notices stay, with the licences that they name.
find /usr/share/doc -type f ! -name copyright -delete
find /usr/share/doc -type d -empty -delete
rm -rf /usr/share/man /usr/share/info /usr/share/locale /usr/share/i18n /usr/share/lintian \
    /var/lib/apt/lists/* /var/cache/* /var/log/* /tmp/* /root/.cache

# Nobody in here has a reason to become another user.
find / -xdev -type f -perm /6000 -exec chmod a-s {} +

# A number, so that Kubernetes can see that it is not root.
groupadd --gid 10001 dondoc
useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin dondoc
