#!/usr/bin/perl
# What SpamAssassin says of each mail whose path is a line of standard input: as `spamassassin -L -t` does, in a fresh process
# for each, so that no mail sees what another left behind. The rules are read once, before the processes part.
#
# Usage: agree_oracle.pl RULES SITE STATE [bayes] <PATHS      A line for each: path, score, rule=score rule=score ...
# With "bayes" the probability that Bayes gives is a fourth column.
use strict;
use warnings;
use Mail::SpamAssassin;

my ($rules, $site, $state, $bayes) = @ARGV;
my $program = Mail::SpamAssassin->new({
    rules_filename      => $rules,
    site_rules_filename => $site,
    userprefs_filename  => "$state/none",
    userstate_dir       => $state,
    local_tests_only    => 1,
    dont_copy_prefs     => 1,
    require_rules       => 1,
    PREFIX              => '/usr',
    DEF_RULES_DIR       => $rules,
    LOCAL_RULES_DIR     => $site,
    LOCAL_STATE_DIR     => $state,
});
$program->init(1);
$| = 1;

while (my $path = <STDIN>) {
    chomp $path;
    my $child = fork // die "fork: $!";
    if ($child) {
        waitpid $child, 0;
        print "$path\tfailed\t\n" if $?;
        next;
    }
    open my $file, '<:raw', $path or die "$path: $!";
    my $text = do { local $/; <$file> };
    my $mail = $program->parse(\$text);
    my $status = $program->check($mail);
    my %scores = %{$status->get_names_of_tests_hit_with_scores_hash()};
    printf "%s\t%.3f\t%s", $path, $status->get_score(), join ' ', map { "$_=$scores{$_}" } sort keys %scores;
    printf "\t%s", $status->{bayes_score} // '' if $bayes;
    print "\n";
    # No destructors: they would clean up what the parent still needs.
    require POSIX;
    POSIX::_exit(0);
}
