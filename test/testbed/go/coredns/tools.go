// The programs that this module pins and builds.

//go:build tools

package tools

import _ "github.com/coredns/coredns"
