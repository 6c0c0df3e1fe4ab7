// A doubly linked list whose links live in its elements: no allocation, O(1) removal from the middle.
//
// Layer: base. An element derives from ListLink<Tag> and leaves its list by itself when it dies.
#pragma once

#include <cstddef>

namespace ringpost {

template <class Tag = void>
class ListLink {
 public:
  ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { unlink(); }
  bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class T, class U>
  friend class IntrusiveList;
  ListLink* next_ = nullptr;
  ListLink* previous_ = nullptr;
};

template <class T, class Tag = void>
class IntrusiveList {
 public:
  IntrusiveList() { head_.next_ = head_.previous_ = &head_; }
  ~IntrusiveList() {
    while (!empty()) front().ListLink<Tag>::unlink();
    head_.next_ = head_.previous_ = nullptr;
  }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const { return head_.next_ == &head_; }
  T& front() { return static_cast<T&>(*head_.next_); }
  T& back() { return static_cast<T&>(*head_.previous_); }
  void push_back(T& element) { insert_before(head_, element); }
  void push_front(T& element) { insert_before(*head_.next_, element); }
  T* pop_front() {
    if (empty()) return nullptr;
    T& first = front();
    static_cast<ListLink<Tag>&>(first).unlink();
    return &first;
  }
  // All of `other` stand in front then, in their order.
  void splice_front(IntrusiveList& other) {
    if (other.empty()) return;
    ListLink<Tag>* first = other.head_.next_;
    ListLink<Tag>* last = other.head_.previous_;
    other.head_.next_ = other.head_.previous_ = &other.head_;
    first->previous_ = &head_;
    last->next_ = head_.next_;
    head_.next_->previous_ = last;
    head_.next_ = first;
  }
  // Calls `visit(T&)` for each; the visited element may leave the list.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (ListLink<Tag>* link = head_.next_; link != &head_;) {
      ListLink<Tag>* next = link->next_;
      visit(static_cast<T&>(*link));
      link = next;
    }
  }

 private:
  void insert_before(ListLink<Tag>& where, T& element) {
    ListLink<Tag>& link = element;
    link.unlink();
    link.next_ = &where;
    link.previous_ = where.previous_;
    where.previous_->next_ = &link;
    where.previous_ = &link;
  }
  ListLink<Tag> head_;
};

}  // namespace ringpost
