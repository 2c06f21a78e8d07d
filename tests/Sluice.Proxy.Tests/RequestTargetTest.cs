namespace Sluice.Proxy.Tests;

public class RequestTargetTest
{
    [Theory]
    [InlineData("/", "/", "")]
    [InlineData("/a", "/a", "")]
    [InlineData("/a?", "/a", "?")]
    [InlineData("/a?b=c?d/e", "/a", "?b=c?d/e")]
    [InlineData("/a%2Fb/%41/c%20d?x=%2F", "/a%2Fb/%41/c%20d", "?x=%2F")]
    [InlineData("/a//b///", "/a//b///", "")]
    [InlineData("//host/x", "//host/x", "")]
    [InlineData("/a;p=1/b\\c\"<>|^`{}", "/a;p=1/b\\c\"<>|^`{}", "")]
    [InlineData("/a#b", "/a#b", "")]
    [InlineData("http://host/x?y", "/x", "?y")]
    [InlineData("HTTPS://host:1/x", "/x", "")]
    [InlineData("http://host", "/", "")]
    [InlineData("http://host?y", "/", "?y")]
    public void Path_and_query_are_kept_as_they_came_RFC9112_3_2(string target, string path, string query)
    {
        RequestTarget.TryParse(target, out var actualPath, out var actualQuery).ShouldBeTrue();
        actualPath.ShouldBe(path);
        actualQuery.ShouldBe(query);
    }

    [Theory]
    [InlineData("/a/../b", "/b")]
    [InlineData("/a/./b", "/a/b")]
    [InlineData("/a/b/..", "/a/")]
    [InlineData("/a/b/.", "/a/b/")]
    [InlineData("/..", "/")]
    [InlineData("/../../a", "/a")]
    [InlineData("/a/%2e%2E/b", "/b")]
    [InlineData("/a/.%2e/%2Fb", "/%2Fb")]
    [InlineData("/a//../b", "/a/b")]
    [InlineData("/./a//b", "/a//b")]
    [InlineData("/.../..a/a../.%2e.", "/.../..a/a../.%2e.")]
    [InlineData("/..%2Fa", "/..%2Fa")]
    [InlineData("/a?b/../c", "/a")]
    public void Dot_segments_are_resolved_as_the_routing_did_RFC3986_5_2_4(string target, string path)
    {
        RequestTarget.TryParse(target, out var actual, out _).ShouldBeTrue();
        actual.ShouldBe(path);
    }

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("host:80")]
    [InlineData("a/b")]
    [InlineData("/a b")]
    [InlineData("/a\tb")]
    [InlineData("/a\rb")]
    [InlineData("/a\nb")]
    [InlineData("/a\0b")]
    [InlineData("/a\u007fb")]
    [InlineData("/é")]
    [InlineData("ftp://host/x")]
    [InlineData("http:/x")]
    public void Anything_else_is_refused(string target) => RequestTarget.TryParse(target, out _, out _).ShouldBeFalse();

    [Theory]
    [InlineData("/", "/", "/")]
    [InlineData("/", "/a", "/a")]
    [InlineData("/", "//a", "//a")]
    [InlineData("/base", "/", "/base/")]
    [InlineData("/base", "/dir", "/base/dir")]
    [InlineData("/base/", "/dir", "/base/dir")]
    [InlineData("/base/", "//dir", "/base//dir")]
    [InlineData("/base//", "/dir", "/base//dir")]
    [InlineData("/ba%2Fse", "/d%2Fir/", "/ba%2Fse/d%2Fir/")]
    public void Paths_are_joined_with_one_slash(string basePath, string path, string joined) =>
        RequestTarget.Join(basePath, "", path, "").ShouldBe(joined);

    [Theory]
    [InlineData("", "", "")]
    [InlineData("", "?a=1", "?a=1")]
    [InlineData("?b=2", "", "?b=2")]
    [InlineData("?b=2", "?a=1", "?b=2&a=1")]
    [InlineData("?b=2", "?", "?b=2")]
    [InlineData("", "?", "?")]
    public void The_backends_query_comes_first(string baseQuery, string query, string joined) =>
        RequestTarget.Join("/", baseQuery, "/x", query).ShouldBe("/x" + joined);
}
